"""The warning of `tf run` that its command can read a log-in which may approve or manage: once for each project.

What was said is kept in `warned.json` beside the log-in: the digest of the token, by project. Another log-in is told of
again.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from tameflare.cli import loginstore
from tameflare.cli.files import write_private
from tameflare.cli.loginstore import Login
from tameflare.core.errors import TameFlareError

_DANGEROUS: Final = frozenset({"manage", "approve", "kill_switch"})


def warning(project: str) -> str | None:
    """The sentence to say for this project, or None: nobody is logged in, may only read, or it was said before."""
    login = _login()
    if login is None or (login.scopes and not _DANGEROUS & set(login.scopes)):
        return None
    told = _told()
    digest = hashlib.sha256(login.token.encode()).hexdigest()
    if told.get(project) == digest:
        return None
    _keep(told | {project: digest})
    return (
        f"the command can read your log-in in {loginstore.path()} and act as you; "
        "run agents that you do not trust with `tf run --isolate` or as another user"
    )


def _login() -> Login | None:
    try:
        return loginstore.read()
    except TameFlareError:
        return None  # a log-in that we cannot read is told by the commands that need it


def _told() -> dict[str, str]:
    try:
        data = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in data.items()} if isinstance(data, dict) else {}


def _keep(told: dict[str, str]) -> None:
    """Where it cannot be kept, it is said again: no reason to refuse the run."""
    try:
        write_private(_path(), json.dumps(told, indent=1) + "\n")
    except TameFlareError:
        return


def _path() -> Path:
    return loginstore.path().with_name("warned.json")
