"""What `tf` and a proxy of the same machine say to each other, over the proxy's unix socket: one line of JSON each."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

SOCKET_NAME: Final = "kill-switch.sock"
LONGEST_LINE: Final = 16 * 1024

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Why = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Switch `scope` on or off at this proxy alone, or tell what is on here."""

    do: Literal["on", "off", "status"]
    scope: Word = "all"
    reason: Why = ""


class Switch(msgspec.Struct, frozen=True):
    """A scope that is on at this proxy; `since` in Unix seconds, `by` a user of the machine."""

    scope: str
    reason: str
    since: int
    by: str


class Told(msgspec.Struct, frozen=True, tag_field="answer", tag="told"):
    """How it stands now.

    `scope` in full: what the word stood for. `central`: the scopes that the control plane has switched on. `problem`:
    the switch is in force, but would not survive a restart of the proxy.
    """

    active: bool
    switches: tuple[Switch, ...]
    central: tuple[str, ...] = ()
    scope: str = ""
    problem: str = ""


class Refused(msgspec.Struct, frozen=True, tag_field="answer", tag="refused"):
    """Nothing was changed."""

    code: str
    message: str
    help: str = ""


Answer = Told | Refused
