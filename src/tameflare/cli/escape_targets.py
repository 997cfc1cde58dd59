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
) -> list[tuple[str, str]]:
    """UNIX sockets: one abstract, one in each of the folders: (place, address)."""
    addresses = [
        ("abstract", f"@tf-escape.{nonce}"),
        *((name, str(folder / "socket")) for name, folder in made.items()),
    ]
    found = []
    for name, address in addresses:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        try:
            listener.bind("\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            continue  # a path that is too long for a socket
        listener.listen()
        lookout.listen(listener)
        found.append((name, address))
    return found


def fifos(lookout: Lookout, stack: contextlib.ExitStack, made: dict[str, Path]) -> list[str]:
    """A named pipe in /tmp, held open for reading and writing, so that it never ends."""
    if "tmp" not in made:
        return []
    path = made["tmp"] / "fifo"
    os.mkfifo(path, 0o600)
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    stack.callback(os.close, handle)
    lookout.stream(handle, bytearray())
    return [str(path)]


def terminal(lookout: Lookout, stack: contextlib.ExitStack) -> tuple[int, str]:
    """A terminal of our own: the programs' side of it, and its name. What is drawn on it is looked at."""
    ours, theirs = os.openpty()
    for handle in (ours, theirs):
        stack.callback(os.close, handle)
    lookout.stream(ours, bytearray())
    return theirs, os.ttyname(theirs)


def known_services() -> Iterator[tuple[str, str]]:
    """Sockets of programs that act for whoever connects, where they listen: (name, address)."""
    for name, address in _candidates():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(1)
            try:
                line.connect("\0" + address[1:] if address.startswith("@") else address)
            except OSError:
                continue
        yield name, address


def _candidates() -> Iterator[tuple[str, str]]:
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    yield from (("docker", "/run/docker.sock"), ("podman", "/run/podman/podman.sock"))
    yield from (("containerd", "/run/containerd/containerd.sock"), ("snapd", "/run/snapd.socket"))
    yield from (("system bus", "/run/dbus/system_bus_socket"), ("name service", "/run/nscd/socket"))
    yield from (("resolver", "/run/systemd/resolve/io.systemd.Resolve"), ("systemd", "/run/systemd/private"))
    for name, path in (("docker", "docker.sock"), ("podman", "podman/podman.sock"), ("session bus", "bus")):
        yield name, f"{runtime}/{path}"
    for name, path in (("user's systemd", "systemd/private"), ("sound", "pulse/native"), ("pipewire", "pipewire-0")):
        yield name, f"{runtime}/{path}"
    yield from (("gpg-agent", f"{runtime}/gnupg/S.gpg-agent"), ("gpg-agent", str(Path.home() / ".gnupg/S.gpg-agent")))
    if agent := os.environ.get("SSH_AUTH_SOCK"):
        yield "ssh-agent", agent
    for path in re.findall(r"unix:path=([^,;]+)", os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")):
        yield "session bus", path
    if display := os.environ.get("WAYLAND_DISPLAY"):
        yield "wayland", str(Path(runtime, display))
    for number in re.findall(r":(\d+)", os.environ.get("DISPLAY", "")):
        yield from (("x11", f"/tmp/.X11-unix/X{number}"), ("x11", f"@/tmp/.X11-unix/X{number}"))  # noqa: S108 - X's own
