"""What `tf doctor --escape` tells the inside of what is outside: which files are secret, which processes are ours."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tameflare import settings
from tameflare.cli import loginstore, project, trust
from tameflare.isolate.probes.base import Process, Secret, digest
from tameflare.isolate.probes.kernel import library, pointer, started
from tameflare.isolate.probes.secrets import LARGEST
from tameflare.link.local import SOCKET_NAME
from tameflare.settings import Settings

_NAMESPACES: Final = ("net", "mnt", "pid", "user", "ipc", "uts", "cgroup")
_DATA: Final = ("proxy/ca.key", "proxy/link.token", "proxy/last-good.json", "server/tameflare.db", "server/setup-code")
_RECORDS: Final = ("proxy/spool", "server/traffic.db")
_DATABASE: Final = ("tameflare.db", "tameflare.db-wal")
_LOCKS: Final = {"proxy": "proxy/proxy.lock", "server": "server/server.lock"}
_HANDLE_SIZE: Final = 128
_HERE: Final = -100
_INSTALLATIONS_AT_MOST: Final = 4


def hidden(environment: Settings, nonce: str) -> list[Secret]:
    """Everything that is to stay out of sight and is there for this user; digests tell nothing of the content."""
    found = []
    for kind, path in _paths(environment):
        secret = describe(kind, path, nonce)
        if secret is not None:
            found.append(secret)
    return found


def _paths(environment: Settings) -> Iterator[tuple[str, Path]]:
    folder = project.find_folder()
    for each in dict.fromkeys([*([folder] if folder else []), *trust.folders()]):
        yield from (("project", each), ("project", each / "config.yaml"))
    login = loginstore.path()
    yield from (("log-in", login.parent), ("log-in", login))
    for data in data_directories(environment):
        yield "data", data
        yield from (("data", data / name) for name in _DATA)
        yield from (("records", data / name) for name in _RECORDS)
        yield "socket", data / "proxy" / SOCKET_NAME


def data_directories(environment: Settings) -> list[Path]:
    """The one of the settings, and those of proxies that run here, which the names of their sockets tell."""
    found = re.findall(rf" (/\S.*)/proxy/{re.escape(SOCKET_NAME)}$", _text("/proc/net/unix"), re.MULTILINE)
    return list(dict.fromkeys([environment.get(settings.DATA_DIR), *map(Path, found)]))[:_INSTALLATIONS_AT_MOST]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def key_ids(environment: Settings) -> list[str]:
    """The ids of the master keys under which a database keeps its secrets, as they stand in its files: the one of the
    settings, else the first that can be read. What was written last may stand in the log of the database alone."""
    for folder in data_directories(environment):
        written = "".join(_text(str(folder / "server" / name)) for name in _DATABASE)
        found = re.findall(r"enc:v2:([0-9a-f]{8}):", written)
        if found:
            return sorted(set(found))
    return []


def code() -> list[str]:
    """Our package, and its environment where it has one of its own."""
    return [str(Path(__file__).parents[1]), *([sys.prefix] if sys.prefix != sys.base_prefix else [])]


def python() -> list[str]:
    """The rest of what runs as `tf`; not the working directory, which `tf` does not take modules from."""
    launcher = shutil.which("tf")
    paths = [os.path.realpath(sys.executable), *sys.path, *([os.path.realpath(launcher)] if launcher else [])]
    return [path for path in dict.fromkeys(paths) if Path(path).exists() and Path(path) != Path.cwd()]


def describe(kind: str, path: Path, nonce: str) -> Secret | None:
    """None where there is none, or where this user cannot read it anyway."""
    try:
        found = path.stat()
        content = _content(path, found.st_mode)
    except OSError:
        return None
    told = digest(nonce, content) if content is not None else ""
    return Secret(kind, str(path.resolve()), found.st_dev, found.st_ino, told, _handle(path))


def _content(path: Path, mode: int) -> bytes | None:
    """None for what is no file. Raises OSError where it may not be read."""
    if stat.S_ISDIR(mode):
        next(path.iterdir(), None)
        return None
    if not stat.S_ISREG(mode):
        return None
    with path.open("rb") as file:
        return file.read(LARGEST)


def _handle(path: Path) -> str:
    """As open_by_handle_at(2) takes it; empty where the file system gives none."""
    buffer = ctypes.create_string_buffer(_HANDLE_SIZE.to_bytes(4, "little"), _HANDLE_SIZE + 8)
    mount = ctypes.c_int()
    try:
        library("name_to_handle_at", _HERE, os.fsencode(path), pointer(buffer), ctypes.byref(mount), 0)
    except OSError:
        return ""
    size = int.from_bytes(buffer.raw[:4], "little")
    kind = int.from_bytes(buffer.raw[4:8], "little", signed=True)
    return f"{kind}:{buffer.raw[8 : 8 + size].hex()}"


def our_processes(environment: Settings) -> list[Process]:
    """Ourselves, proxy and server, as far as they run here on a data directory that we may read."""
    pids = {"tf doctor": os.getpid()}
    for folder in data_directories(environment):
        for name, lock in _LOCKS.items():
            if told := _text(str(folder / lock)).strip():
                pids[name] = int(told)
    return [Process(name, pid, ticks) for name, pid in pids.items() if (ticks := _started(pid)) is not None]


def _started(pid: int) -> int | None:
    try:
        return started(pid)
    except OSError:
        return None


def namespaces() -> dict[str, int]:
    return {name: Path(f"/proc/self/ns/{name}").stat().st_ino for name in _NAMESPACES}


def interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex() if name != "lo"]


def resolvers() -> list[str]:
    """Addresses that /etc/resolv.conf names."""
    return re.findall(r"^nameserver\s+(\S+)", _text("/etc/resolv.conf"), re.MULTILINE)


def has_vsock() -> bool:
    kind = getattr(socket, "AF_VSOCK", None)
    if kind is None:
        return False
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as line:
            line.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
    except OSError:
        return False
    return True
