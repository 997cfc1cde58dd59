"""A route: what a vendor calls a deed, the request that does it, and how its fields are typed.

Tables of routes are data. `path` holds `{name}` for one segment (without encoded slash or `;`), `{name:int}` for one
of digits, `{name:any}` for one that may hold `%2F`, and `{name+}` for the rest of the path, or as much of it as leaves
what follows. `fields` and `query` list what is known, as `title draft:bool metadata.*.id:int`; what they leave out is
kept untyped.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from tameflare.core.action import Effect, Risk

API: Final = "api"


class BodyKind(StrEnum):
    """How a route's body is written. `raw` bodies are never read; `multipart` ones, which hold files, where a policy
    looks at their fields."""

    NONE = "none"
    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    RAW = "raw"


UPLOADS: Final = frozenset({BodyKind.MULTIPART, BodyKind.RAW})
"""Kinds of bodies that are written as files."""


class When(msgspec.Struct, frozen=True):
    """A condition that tells routes of one method and path apart by a field of the query or the body.

    Exactly one of the tests is set. Blank and null count as absent. Text is compared without regard to case, since it
    is not known how lax a vendor is; of a field sent several times each value counts.
    """

    field: str
    equals: str = ""
    starts: str = ""
    present: bool | None = None
    in_query: bool = False

    def holds(self, fields: dict[str, Any]) -> bool:
        value = fields.get(self.field)
        if self.present is not None:
            return (value is not None and value != "") is self.present
        if isinstance(value, list):
            return any(self._fits(item) for item in value)
        return self._fits(value)

    def _fits(self, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        text = value.strip().casefold()
        return text == self.equals if self.equals else text.startswith(self.starts)


class Route(msgspec.Struct, frozen=True):
    """One row of a table. `method` may name several, as `GET,POST`.

    A route without `when` among siblings that have one is the rest: it holds if no sibling does, or if the request has
    fields outside `beside` (a PATCH that closes and renames does two deeds). `download`: the answer is a file, as are
    those of all routes of this type.
    """

    method: str
    path: str
    type: str
    effect: Effect = Effect.WRITE
    risk: Risk = Risk.MEDIUM
    fields: str = ""
    query: str = ""
    body: BodyKind | None = None
    when: When | None = None
    beside: tuple[str, ...] = ()
    surface: str = API
    download: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(self.method.split(","))

    @property
    def body_kind(self) -> BodyKind:
        """The route's own, else by method: none for GET, HEAD and DELETE, JSON for the others."""
        if self.body is not None:
            return self.body
        return BodyKind.NONE if self.methods[0] in {"GET", "HEAD", "DELETE"} else BodyKind.JSON
