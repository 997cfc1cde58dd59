"""What people call a deed of GitHub's, and what its table calls it: for actions that are asked for by name.

An action is judged by the name that it was asked by, and once more by the name of the request that it becomes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tameflare.connectors import asked
from tameflare.core.action import Action

Fields = dict[str, Any]
_OF_A_LINE: Final = frozenset({"commit_id", "path", "in_reply_to", "comment_id", "subject_type"})
"""With one of these a comment stands at a line of the change; without, in the conversation."""


def carried_as(action_type: str, resource: Fields, parameters: Fields) -> Action:
    """The action as its connector's table has it."""
    if not action_type.startswith("github."):
        return asked.action(action_type, resource, parameters)
    parameters = _whole_name({**parameters}, resource)
    respelt = _SPOKEN.get(action_type)
    if respelt is not None:
        action_type, parameters = respelt(asked.action(action_type, resource, parameters).parameters)
    return asked.action(action_type, resource, parameters)


def _whole_name(parameters: Fields, resource: Fields) -> Fields:
    """`acme/api` is an owner and a repository."""
    whole = parameters.get("repo")
    if isinstance(whole, str) and whole.count("/") == 1 and not {"owner"} & {*parameters, *resource}:
        parameters["owner"], _, parameters["repo"] = whole.partition("/")
    return parameters


def _file(parameters: Fields) -> tuple[str, Fields]:
    """A commit of one file: it exists if its `sha` is told."""
    return "github.file.update" if parameters.get("sha") else "github.file.create", parameters


def _comment(parameters: Fields) -> tuple[str, Fields]:
    """On a pull request; GitHub keeps its conversation with the issues."""
    if _OF_A_LINE & parameters.keys():
        return "github.pr.comment", parameters
    rest = {name: value for name, value in parameters.items() if name != "pull_number"}
    return "github.issue.comment", {**rest, "issue_number": parameters.get("pull_number")}


def _branch(parameters: Fields) -> tuple[str, Fields]:
    """GitHub knows a new branch by its whole `ref`."""
    if "ref" in parameters or "branch" not in parameters:
        return "github.branch.create", parameters
    rest = {name: value for name, value in parameters.items() if name != "branch"}
    return "github.branch.create", {**rest, "ref": f"refs/heads/{parameters['branch']}"}


_SPOKEN: Final[dict[str, Callable[[Fields], tuple[str, Fields]]]] = {
    "github.file.commit": _file,
    "github.pr.comment": _comment,
    "github.branch.create": _branch,
}
