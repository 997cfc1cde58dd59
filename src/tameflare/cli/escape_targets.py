"""What `tf doctor --escape` puts up outside for a program to reach: listeners, and the look-out over them."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.network import family

_ANSWER: Final = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"
_ADDRESSES_AT_MOST: Final = 6
_PIECE: Final = 1 << 16
_SHARED: Final = "/tmp"  # noqa: S108 - shared by all programs, which is the point


class Lookout:
    """Reads whatever arrives at what it watches; `arrived` are the probes whose mark was among it."""

    def __init__(self, nonce: str) -> None:
        self.arrived: set[str] = set()
        self._mark = re.compile(rb"tf-escape\." + re.escape(nonce.encode()) + rb"\.([a-z0-9-]+)")
        self._selector = selectors.DefaultSelector()
        self._buffers: dict[int, bytearray] = {}

    def note(self, data: bytes) -> None:
        self.arrived |= {name.decode() for name in self._mark.findall(data)}

    def watch(self, source: int | socket.socket, deed: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, deed)

    def listen(self, listener: socket.socket) -> None:
        """Take connections, read what comes, answer as a web server would."""
        listener.setblocking(False)
        self.watch(listener, lambda: self._accept(listener))

    def datagrams(self, receiver: socket.socket) -> None:
        receiver.setblocking(False)
        self.watch(receiver, lambda: self.note(receiver.recv(_PIECE)))

    def stream(self, handle: int, kept: bytearray) -> None:
        """Read a descriptor to its end into `kept`, and look for marks there."""
        os.set_blocking(handle, False)
        self.watch(handle, lambda: self._read(handle, kept))

    def _read(self, handle: int, kept: bytearray) -> None:
        try:
            part = os.read(handle, _PIECE)
        except OSError:  # a terminal whose last user is gone
            part = b""
        kept += part
        self.note(bytes(kept))
        if not part:
            self._selector.unregister(handle)

    def _accept(self, listener: socket.socket) -> None:
        line, _ = listener.accept()
        line.setblocking(False)
        self._buffers[line.fileno()] = bytearray()
        self.watch(line, lambda: self._serve(line))

    def _serve(self, line: socket.socket) -> None:
        kept = self._buffers[line.fileno()]
        with contextlib.suppress(OSError):
            part = line.recv(_PIECE)
            kept += part
            self.note(bytes(kept))
            if part:
                line.send(_ANSWER)
        self._selector.unregister(line)
        line.close()

    def run(self, is_over: Callable[[], bool], seconds: float) -> bool:
        """Look out until it is over, and once more for what came last. False where `seconds` were not enough."""
        deadline = time.monotonic() + seconds
        while not is_over():
            if time.monotonic() > deadline:
                return False
            self.turn(0.05)
        while self.turn(0):
            pass
        return True

    def turn(self, seconds: float) -> bool:
        """Handle what is there; whether there was anything."""
        ready = self._selector.select(seconds)
        for key, _ in ready:
            key.data()
        return bool(ready)

    def close(self) -> None:
        self._selector.close()


def network_targets(lookout: Lookout, stack: contextlib.ExitStack) -> tuple[list[tuple[str, str, int]], ...]:
    """TCP and UDP listeners on every address of this machine: (name, host, port) of each, in two lists."""
    found: tuple[list[tuple[str, str, int]], ...] = ([], [])
    for host in ("127.0.0.1", "::1", *other_addresses()):
        for place, kind in zip(found, (socket.SOCK_STREAM, socket.SOCK_DGRAM), strict=True):
            with contextlib.suppress(OSError):  # an address that cannot be bound is none that can be reached
                target = stack.enter_context(socket.socket(family(host), kind))
                target.bind(socket.getaddrinfo(host, 0, type=kind)[0][4])
                if kind is socket.SOCK_STREAM:
                    target.listen()
                    lookout.listen(target)
                else:
                    lookout.datagrams(target)
                place.append((host, host, target.getsockname()[1]))
    return found


def other_addresses() -> list[str]:
    """This machine's addresses but for loopback, the first few."""
    return [*_addresses_ipv4(), *_addresses_ipv6()][:_ADDRESSES_AT_MOST]


def _addresses_ipv4() -> list[str]:
    lines = _text("/proc/net/fib_trie").splitlines()
    pairs = pairwise(lines)
    found = [above.split()[-1] for above, line in pairs if "32 host LOCAL" in line]
    return [host for host in dict.fromkeys(found) if not host.startswith("127.")]


def _addresses_ipv6() -> list[str]:
    rows = [line.split() for line in _text("/proc/net/if_inet6").splitlines()]
    return [_written(row[0], row[5]) for row in rows if row[5] != "lo"]


def _written(digits: str, interface: str) -> str:
    host = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))
    return f"{host}%{interface}" if digits.startswith("fe80") else host


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""


def folders(stack: contextlib.ExitStack) -> dict[str, Path]:
    """Folders of our own in the places that programs share, by the name of the place; removed at the end."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    places = {"tmp": Path(_SHARED), "home": Path.home(), "here": Path.cwd()}
    if runtime:
        places["runtime"] = Path(runtime)
    made: dict[str, Path] = {}
    for name, place in places.items():
        with contextlib.suppress(OSError):
            made[name] = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".tf-escape-", dir=place)))
    return made


def unix_targets(
    lookout: Lookout, stack: contextlib.ExitStack, made: dict[str, Path], nonce: str
) -> list[tuple[str, str, int]]:
    """UNIX sockets: one abstract, three in each of the folders: (place, address, device of its file system)."""
    found = []
    for name, address, make in _unix_sockets(made, nonce):
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        try:
            make(listener)
        except OSError:
            continue  # a path that is too long for a socket
        listener.listen()
        lookout.listen(listener)
        found.append((name, address, 0 if address.startswith("@") else Path(address).stat().st_dev))
    return found


def _unix_sockets(made: dict[str, Path], nonce: str) -> Iterator[tuple[str, str, Callable[[socket.socket], None]]]:
    """Place, address, and how to bind it. The system lists a socket by the name that it was bound to, whatever became
    of that name."""
    yield "abstract", f"@tf-escape.{nonce}", lambda one: one.bind(f"\0tf-escape.{nonce}")
    for name, folder in made.items():
        yield name, f"{folder}/plain", partial(_bind, f"{folder}/plain")
        yield "renamed", f"{folder}/renamed", partial(_bind_and_rename, folder)
        yield "renamed", f"{folder}/relative", partial(_bind_relative, folder)


def _bind(path: str, one: socket.socket) -> None:
    one.bind(path)


def _bind_and_rename(folder: Path, one: socket.socket) -> None:
    one.bind(str(folder / "draft"))
    (folder / "draft").rename(folder / "renamed")


def _bind_relative(folder: Path, one: socket.socket) -> None:
    with contextlib.chdir(folder):
        one.bind("relative")


class LateSockets:
    """UNIX sockets that are made when the program runs already, in home and working directory."""

    def __init__(self, lookout: Lookout, stack: contextlib.ExitStack, made: dict[str, Path]) -> None:
        self.paths = [str(made[name] / "late") for name in ("home", "here") if name in made]
        self._lookout, self._stack = lookout, stack
        self._pending = list(self.paths)

    def make(self) -> None:
        """Once; called again it does nothing."""
        for path in self._pending:
            listener = self._stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            with contextlib.suppress(OSError):
                listener.bind(path)
                listener.listen()
                self._lookout.listen(listener)
        self._pending = []


def fifos(lookout: Lookout, stack: contextlib.ExitStack, made: dict[str, Path]) -> list[tuple[str, str]]:
    """A named pipe in each of the folders: (place, path); held open for reading and writing, so that it never ends."""
    found = []
    for name, folder in made.items():
        path = folder / "fifo"
        os.mkfifo(path, 0o600)
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        stack.callback(os.close, handle)
        lookout.stream(handle, bytearray())
        found.append((name, str(path)))
    return found


def terminal(lookout: Lookout, stack: contextlib.ExitStack) -> tuple[int, str]:
    """A terminal of our own: the programs' side of it, and its name. What is drawn on it is looked at."""
    ours, theirs = os.openpty()
    for handle in (ours, theirs):
        stack.callback(os.close, handle)
    lookout.stream(ours, bytearray())
    return theirs, os.ttyname(theirs)
