"""What probes share: what they are told about the world outside, how they try, and what they answer."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, NamedTuple


class Came(StrEnum):
    """How one try ended, as far as the inside can tell."""

    BLOCKED = "blocked"
    SENT = "sent"
    """The canary left; it counts once it has arrived outside."""
    DONE = "done"
    """Granted by the kernel, or proven by what was read."""
    ABSENT = "absent"
    """There is nothing of the kind to try it on."""
    FAILED = "failed"
    """The probe itself went wrong, so that nothing is known."""


class Try(NamedTuple):
    """`way` names what was tried, `told` how it ended. Neither holds anything that was read."""

    way: str
    came: Came
    told: str = ""


class Promise(StrEnum):
    """Which kind of run closes a way."""

    ALWAYS = "always"
    """Closed by any `tf run`."""
    UNPRIVILEGED = "unprivileged"
    """Closed by any `tf run` whose program has not the powers of root, and by isolation."""
    RIGHTS = "rights"
    """Closed by isolation; without it by the system, for who has no special rights."""
    WITHIN = "within"
    """Closed by isolation, and without it there is nothing to try: it is about the walls themselves."""
    ISOLATION = "isolation"
    """Closed by `tf run --isolate` alone."""
    NEVER = "never"
    """Open by design; the probe's mend says what does close it."""


@dataclass(frozen=True)
class Process:
    """A process outside: its id there, and when it started (clock ticks), so that another with that id is not taken for
    it."""

    name: str
    pid: int
    started: int


@dataclass(frozen=True)
class Secret:
    """A file or folder that is to stay hidden: what it is (device, inode), and a salted digest of its content."""

    kind: str
    path: str
    device: int
    inode: int
    digest: str
    handle: str = ""
    """As name_to_handle_at(2) gives it: type, colon, hexadecimal bytes."""


@dataclass(frozen=True)
class Facts:
    """The doctor's targets outside, one field for each kind. All of it is harmless; the nonce marks what arrives."""

    nonce: str
    offline: bool = False
    tcp: list[tuple[str, str, int]] = field(default_factory=list)
    udp: list[tuple[str, str, int]] = field(default_factory=list)
    unix: list[tuple[str, str, int]] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    """UNIX sockets that are made only when the program runs already."""
    signals: bool = False
    """Whether a program of the doctor's in our process group listens to SIGWINCH."""
    fifos: list[tuple[str, str]] = field(default_factory=list)
    shared_files: list[str] = field(default_factory=list)
    terminals: list[str] = field(default_factory=list)
    vsock: int = 0
    shm: int = -1
    messages: int = -1
    posix_queue: str = ""
    key: int = 0
    inherited: int = -1
    services: list[tuple[str, str]] = field(default_factory=list)
    ours: list[Process] = field(default_factory=list)
    ordinary: list[Process] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    key_ids: list[str] = field(default_factory=list)
    """Of the master keys that sealed values of the database; empty where that cannot be read."""
    code: list[str] = field(default_factory=list)
    """Our package, and the environment that it is installed in."""
    python: list[str] = field(default_factory=list)
    """What else the next `tf` executes from: interpreter, standard library, folders of modules, launcher."""
    namespaces: dict[str, int] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)
    resolvers: list[str] = field(default_factory=list)
    server: str = ""
    proxy: str = ""

    def mark(self, probe: str) -> bytes:
        """What a probe sends: which doctor it belongs to, and which probe it was."""
        return f"tf-escape.{self.nonce}.{probe}\n".encode()

    def dump(self) -> str:
        return json.dumps({each.name: _plain(getattr(self, each.name)) for each in fields(self)})

    @classmethod
    def load(cls, text: str) -> Facts:
        raw: dict[str, Any] = json.loads(text)
        for name, kind in (("ours", Process), ("ordinary", Process), ("secrets", Secret)):
            raw[name] = [kind(**each) for each in raw[name]]
        for name in ("tcp", "udp", "unix", "fifos", "services"):
            raw[name] = [tuple(each) for each in raw[name]]
        return cls(**raw)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [vars(each) if isinstance(each, Process | Secret) else each for each in value]
    return value


@dataclass(frozen=True)
class Probe:
    """`tries` says what is tried, `mend` what closes it where isolation does not, or what to do if it is open."""

    name: str
    area: str
    tries: str
    promise: Promise
    mend: str
    run: Callable[[Facts], Iterable[Try]]


def attempt(way: str, came: Came, deed: Callable[..., object], *arguments: object) -> Try:
    """Do it: `came` where it works, blocked with the system's own words where it does not."""
    try:
        told = deed(*arguments)
    except OSError as fault:
        return Try(way, Came.BLOCKED, reason(fault))
    return Try(way, came, told if isinstance(told, str) else "")


def claim(way: str, is_open: bool, told: str = "") -> Try:
    return Try(way, Came.DONE if is_open else Came.BLOCKED, told)


def reason(fault: OSError) -> str:
    """The system's words for it, without the path or address that Python adds."""
    if isinstance(fault, socket.gaierror):
        return "no such address here"
    return os.strerror(fault.errno) if fault.errno else type(fault).__name__


def each(names: Iterable[str], deed: Callable[[str], object]) -> Iterator[Try]:
    """One try for each name, which is also what it is called."""
    return (attempt(name, Came.DONE, deed, name) for name in names)


def digest(nonce: str, content: bytes) -> str:
    """By which inside and outside agree that they read the same, without telling each other what."""
    return hashlib.sha256(nonce.encode() + content).hexdigest()
