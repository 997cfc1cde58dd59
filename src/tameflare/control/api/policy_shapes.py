"""What the routes of policies read and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tameflare.control.api.bodies import Answer, Body
from tameflare.control.services.policy_changes import Kind
from tameflare.control.services.policy_checks import File
from tameflare.core.policy import limits

Number = Annotated[int, Field(ge=0, le=1 << 31)]
Source = Annotated[str, Field(max_length=limits.SOURCE, description="The policy in YAML.")]
Seen = Annotated[
    Number | None, Field(description="The version that this is based on; 0: there is none yet. Another one is a 409.")
]


class ScopeOut(Answer):
    """What a policy is about; an empty part means all."""

    agents: list[str]
    environments: list[str]
    action_types: list[str]
    gateways: list[str]
    connectors: list[str]


class PolicyOut(Answer):
    """`in_force`: its source says so (`active`) and nobody switched it off (`enabled`). Times in Unix seconds.

    `problem` is set where it no longer compiles, as after an upgrade: its whole scope is denied then.
    """

    id: str
    name: str
    version: int
    in_force: bool
    enabled: bool
    active: bool
    description: str
    priority: int
    rules: int
    scope: ScopeOut | None
    author: str
    created_at: int
    changed_at: int
    problem: str | None = None


class PolicyText(PolicyOut):
    source: str


class VersionOut(Answer):
    """`origin` is `saved`, or `restored N` where the text is that of version N."""

    version: int
    origin: str
    description: str
    author: str
    created_at: int


class VersionText(VersionOut):
    source: str


class ChangeOut(Answer):
    """`before` and `after` are versions, 0 where there is none; `diff` in the unified format."""

    name: str
    kind: Kind
    before: int
    after: int
    enabled: bool
    diff: str


class Changes(Answer):
    """`stored` is false for a preview."""

    stored: bool
    changes: list[ChangeOut]


class DiffOut(Answer):
    diff: str


class SaveBody(Body):
    source: Source
    version: Seen = None


class FileBody(Body):
    """A text of one policy or of several between lines of `---`."""

    name: Annotated[str, Field(max_length=500, description="What faults call it.")] = ""
    text: Annotated[str, Field(max_length=limits.FILE)]

    @property
    def file(self) -> File:
        return File(self.name, self.text)


Files = Annotated[list[FileBody], Field(min_length=1, max_length=1000)]


class ApplyBody(Body):
    files: Files
    prune: bool = Field(False, description="Delete every policy that is not among these.")
    dry_run: bool = Field(False, description="Store nothing, and tell what would change.")
    versions: Annotated[dict[str, Number], Field(max_length=10_000)] = Field(
        {}, description="Versions that this is based on, by name; 0: there is none yet. Another one is a 409."
    )


class RestoreBody(Body):
    restore: Annotated[int, Field(ge=1, le=1 << 31, description="The version whose text is to be the newest again.")]
    version: Seen = None


class SwitchBody(Body):
    enabled: bool


class FilesBody(Body):
    files: Files


class DiagnosticOut(Answer):
    """`line` and `column` from 1, in the file."""

    line: int
    column: int
    message: str
    help: str


class Checked(Answer):
    """One policy of a file; `name` is empty where it could not be read."""

    file: str
    name: str
    line: int
    valid: bool
    faults: list[DiagnosticOut]


class Validation(Answer):
    valid: bool
    policies: list[Checked]
