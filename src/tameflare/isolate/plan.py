"""What the parent tells the helper to set up, as one JSON document; nothing of it stands in a command line."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, field
from typing import Final

CONTROL: Final = 3
"""The descriptor at which the helper finds its socket to the parent."""
LENGTH: Final = struct.Struct("!I")
"""What comes before the plan on that socket: how many bytes it has."""


@dataclass(frozen=True)
class Plan:
    """Paths are absolute and resolved.

    `show` stays visible in places that are private otherwise, writable in `firm` ones, which are read-only otherwise;
    `read_only` cannot be written even there (and is shown); `hidden` (with inodes) and `sockets` are empty inside;
    `pinned` are hidden or read-only places whose parents must not be renamed, so that nothing can be put in their
    place. `files` are small files, by path, in base64, that are made inside, in a private place. `listen` are addresses
    on the loopback interface of the new network, `names` host names that stand for 127.0.0.1 there. `detached`: a
    session without a terminal. `signals` are blocked when the command starts.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    show: tuple[str, ...] = ()
    firm: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    hidden: dict[str, int] = field(default_factory=dict)
    sockets: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    listen: tuple[tuple[str, int], ...] = ()
    names: tuple[str, ...] = ()
    detached: bool = False
    signals: tuple[int, ...] = ()

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Plan:
        values = json.loads(data)
        for name in ("command", "show", "firm", "read_only", "sockets", "pinned", "names", "signals"):
            values[name] = tuple(values[name])
        values["listen"] = tuple((host, port) for host, port in values["listen"])
        return cls(**values)
