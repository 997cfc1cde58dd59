"""`tf run --isolate`: the same run, with the command in namespaces of its own."""

from __future__ import annotations

import base64
import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tameflare.cli import isolation_places, java
from tameflare.cli.child import CannotStart, cannot_start, run_child
from tameflare.cli.ordinary import Reader
from tameflare.cli.session import Session
from tameflare.cli.side_door import SideDoor
from tameflare.cli.wishes import Wishes
from tameflare.isolate.covers import PRIVATE
from tameflare.isolate.launch import launch
from tameflare.isolate.plan import Plan
from tameflare.isolate.relay import Relay
from tameflare.process import raise_file_limit

_SIDE_DOOR_PORT: Final = 8444
_SPARE_FILES: Final = 128
_MOST_PAIRS: Final = 20_000
_LEADING_OUT: Final = frozenset(
    {"SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_ASKPASS", "GIT_ASKPASS", "GPG_AGENT_INFO", "GNOME_KEYRING_CONTROL"}
    | {"DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "DBUS_STARTER_ADDRESS", "AT_SPI_BUS_ADDRESS"}
    | {"DOCKER_HOST", "CONTAINER_HOST", "BUILDKIT_HOST", "CONTAINERD_ADDRESS", "PODMAN_HOST", "KRB5CCNAME"}
    | {"XDG_RUNTIME_DIR", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY", "XAUTHORITY", "ICEAUTHORITY"}
    | {"SESSION_MANAGER", "PULSE_SERVER", "PULSE_RUNTIME_PATH", "PIPEWIRE_REMOTE", "WSL_INTEROP"}
    | {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID", "JOURNAL_STREAM"}
    | {"TMUX", "STY", "KITTY_LISTEN_ON", "NVIM", "NVIM_LISTEN_ADDRESS", "VSCODE_IPC_HOOK_CLI", "VSCODE_GIT_IPC_HANDLE"}
)
"""Variables that name a socket or a service outside, none of which can be reached from inside."""
_TEMPORARY: Final = ("TMPDIR", "TEMP", "TMP")


class Isolation:
    """The command runs in namespaces of its own; see `ground.Ground`."""

    isolated = True

    def __init__(self, used: Path | None, wishes: Wishes) -> None:
        self._places = isolation_places.find(used, wishes)
        self.reader = Reader(self._places.hidden, map(os.path.realpath, PRIVATE), self._places.show)
        self._relay: Relay | None = None
        self._door: SideDoor | None = None
        self._java_url = self._java_trust = ""
        self._listen: list[tuple[str, int]] = []
        self._names: tuple[str, ...] = ()
        self.folder = Path(tempfile.mkdtemp(prefix="tameflare-", dir=PRIVATE[0]))

    def proxy_url(self, url: str) -> str:
        """The proxy as it is reached from inside: on the loopback interface, at the same port.

        The name stays where TLS needs it.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme != "https":
            host = "127.0.0.1"
        elif not _is_address(host):
            self._names = (host,)
        self._listen = [("127.0.0.1" if self._names else host, port)]
        shown = f"[{host}]" if ":" in host else host
        return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{shown}:{port}").geturl()

    def outer(self, environment: Mapping[str, str], keep: Collection[str]) -> Mapping[str, str]:
        """Without what names a socket of the outside, or a directory for temporary files that is private inside."""
        kept = {name: value for name, value in environment.items() if name in keep or name not in _LEADING_OUT}
        for name in _TEMPORARY:
            if name not in keep and kept.get(name, "").startswith(tuple(f"{place}/" for place in PRIVATE)):
                del kept[name]
        return kept

    def prepare_java(self, environment: dict[str, str], url: str, no_proxy: Collection[str]) -> None:
        """By a second listener inside, which nobody but the command can reach."""
        if java.is_here(environment):
            port = _SIDE_DOOR_PORT + (self._listen[0][1] == _SIDE_DOOR_PORT)
            self._listen.append(("127.0.0.1", port))
            java.add(environment, port, no_proxy)
            self._java_url, self._java_trust = url, java.authorities(environment)

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], session: Session, gone: Callable[[], None]
    ) -> int:
        def spawn(command: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]) -> int:
            plan = self._plan(command, environment, mask)
            if PRIVATE[0] not in self._places.show:
                shutil.rmtree(self.folder, ignore_errors=True)  # the command gets copies
            started = launch(plan)
            if started.number:
                os.waitpid(started.pid, 0)
                raise self._cannot_start(command[0], started.number)
            self._take(started.listeners, session)
            return started.pid

        return run_child(command, environment, lambda: self._serve(session, gone), spawn)

    def _take(self, listeners: Sequence[socket.socket], session: Session) -> None:
        limit = min(_MOST_PAIRS, (raise_file_limit() - _SPARE_FILES) // 2)
        self._relay = Relay(listeners[0], *session.peer(), limit)
        if len(listeners) > 1:
            self._door = SideDoor(listeners[1], self._java_url, None, self._java_trust)

    def _serve(self, session: Session, gone: Callable[[], None]) -> None:
        session.watch(gone)
        if self._relay is not None:
            self._relay.serve()
        if self._door is not None:
            self._door.serve()

    def close(self) -> None:
        if self._relay is not None:
            self._relay.close()
        if self._door is not None:
            self._door.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _plan(self, command: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]) -> Plan:
        places = self._places
        made = [path for path in self.folder.rglob("*") if path.is_file()]
        files = {str(path): base64.b64encode(path.read_bytes()).decode() for path in made}
        return Plan(
            command=tuple(command),
            environment=dict(environment),
            directory=str(Path.cwd()),
            show=places.show,
            firm=places.firm,
            read_only=places.read_only,
            hidden=places.hidden,
            sockets=places.sockets,
            pinned=places.pinned,
            files=files,
            listen=tuple(self._listen),
            names=self._names,
            detached=not _has_terminal(),
            signals=tuple(int(number) for number in mask),
        )

    def _cannot_start(self, command: str, number: int) -> CannotStart:
        fault = cannot_start(command, number)
        if shutil.which(command):
            return CannotStart(fault.message, "it lies in a place that isolation hides; see --show", fault.status)
        return fault


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
