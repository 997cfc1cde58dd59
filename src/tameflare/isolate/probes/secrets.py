"""What is to stay hidden, by every spelling of its path that a program can think of."""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Secret, Try, digest, reason
from tameflare.isolate.probes.kernel import library, pointer, processes

LARGEST: Final = 1 << 16
_ROOT: Final = "/proc/self/root"
_EMPTY_PATH_SIZE: Final = 128


def is_same(facts: Facts, secret: Secret, handle: int) -> bool:
    """Whether what was opened is the one outside: the same inode, or, for a file, the same content."""
    found = os.fstat(handle)
    if stat.S_ISDIR(found.st_mode):
        return (found.st_dev, found.st_ino) == (secret.device, secret.inode) and bool(os.listdir(handle))
    content = os.read(handle, LARGEST)
    same = (found.st_dev, found.st_ino) == (secret.device, secret.inode)
    return bool(content) and (same or digest(facts.nonce, content) == secret.digest)


def look(facts: Facts, secret: Secret, path: str) -> str:
    """Empty where the secret is really read at that path, else why not."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        return reason(fault)
    try:
        return "" if is_same(facts, secret, handle) else "something else is there"
    except OSError as fault:
        return reason(fault)
    finally:
        os.close(handle)


def is_readable(facts: Facts, secret: Secret) -> bool:
    """By its plain path."""
    return not look(facts, secret, secret.path)


def nothing_is_covered(facts: Facts) -> bool:
    """Whether there is nothing to uncover: no secrets, or one that lies open anyway. Sockets are not read."""
    secrets = [secret for secret in facts.secrets if secret.kind != "socket"]
    return not secrets or any(is_readable(facts, secret) for secret in secrets)


def _report(way: str, told: str) -> Try:
    return Try(way, Came.BLOCKED if told else Came.DONE, told)


def _of(facts: Facts, kind: str) -> list[Secret]:
    return [secret for secret in facts.secrets if secret.kind == kind]


def _probe(kind: str) -> Callable[[Facts], Iterator[Try]]:
    def probe(facts: Facts) -> Iterator[Try]:
        found = _of(facts, kind)
        if not found:
            yield Try(kind, Came.ABSENT, "it is not on this machine, or not readable for this user")
        for secret in found:
            for name, path in spellings(secret.path):
                yield _report(f"{secret.path}, {name}", look(facts, secret, path))

    return probe


def spellings(path: str) -> Iterator[tuple[str, str]]:
    """The path itself and its other names; the links among them are made, and left to the caller's temporary folder."""
    relative = os.path.relpath(path)
    folder = str(Path(path).parent)
    yield "plain", path
    yield "relative", relative
    yield "over the root of the process", f"{_ROOT}{path}"
    yield "over the working directory of the process", f"/proc/self/cwd/{relative}"
    yield "with dots", f"{folder}/./../{Path(folder).name}//{Path(path).name}"
    yield "over the upper folder", f"{_ROOT}/..{path}"
    yield "over a thread", f"/proc/thread-self/root{path}"
    with tempfile.TemporaryDirectory(prefix="tf-escape-") as place:
        for name, make in (("by a symbolic link", os.symlink), ("by a hard link", os.link)):
            link = f"{place}/{name.replace(' ', '-')}"
            with contextlib.suppress(OSError):
                make(path, link)
                yield name, link


project = _probe("project")
login = _probe("log-in")
data = _probe("data")
records = _probe("records")


def other_mounts(facts: Facts) -> Iterator[Try]:
    """The same file system may be mounted a second time, where nothing covers it."""
    if nothing_is_covered(facts):
        yield Try("mounts", Came.ABSENT, "nothing is covered")
        return
    for secret in facts.secrets:
        for place in elsewhere(secret.path, secret.device):
            yield _report(place, look(facts, secret, place))
    yield Try("mounts", Came.BLOCKED, "no mount shows it a second time")


def elsewhere(path: str, device_number: int) -> Iterator[str]:
    """Other paths by which a second mount of its file system shows what lies at `path`."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    device = f"{os.major(device_number)}:{os.minor(device_number)}"
    own = [(words[3], words[4]) for words in mounts if words[2] == device]
    roots = {root.rstrip("/") + path[len(point.rstrip("/")) :] for root, point in own if _in(path, point)}
    for root, point in own:
        for inner in roots:
            if _in(inner, root):
                place = point.rstrip("/") + inner[len(root.rstrip("/")) :]
                if place != path:
                    yield place


def _in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def by_processes(facts: Facts) -> Iterator[Try]:
    """Over root, working directory and open files of every process that can be seen."""
    doors = [f"/proc/{pid}/{name}" for pid in processes() if pid != os.getpid() for name in ("root", "cwd")]
    doors += [f"/proc/{pid}/fd/{name}" for pid in processes() if pid != os.getpid() for name in _names(pid)]
    for secret in facts.secrets:
        for door in doors:
            path = f"{door}{secret.path}" if door.endswith("root") else f"{door}/{_from(door, secret.path)}"
            if not look(facts, secret, path):
                yield Try(f"{secret.path} over {door}", Came.DONE)
    yield Try(f"{len(doors)} doors", Came.BLOCKED, "none leads there")


def _names(pid: int) -> list[str]:
    try:
        return [entry.name for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def _from(door: str, path: str) -> str:
    try:
        return os.path.relpath(path, Path(door).readlink())
    except OSError:
        return path.lstrip("/")


def by_handle(facts: Facts) -> Iterator[Try]:
    """open_by_handle_at(2) asks for a file by number, whatever lies above it."""
    known = [secret for secret in facts.secrets if secret.handle]
    if not known:
        yield Try("handles", Came.ABSENT, "the file system gives none")
    for secret in known:
        yield _report(secret.path, _by_handle(facts, secret))


def _by_handle(facts: Facts, secret: Secret) -> str:
    kind, _, raw = secret.handle.partition(":")
    body = bytes.fromhex(raw)
    request = ctypes.create_string_buffer(
        len(body).to_bytes(4, "little") + int(kind).to_bytes(4, "little", signed=True) + body, _EMPTY_PATH_SIZE + 8
    )
    told = "no mount of it"
    for place in (".", "/", str(Path.home())):
        try:
            mount = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as fault:
            told = reason(fault)
            continue
        try:
            handle = library("open_by_handle_at", mount, pointer(request), os.O_RDONLY)
            if is_same(facts, secret, handle):
                return ""
        except OSError as fault:
            told = reason(fault)
        finally:
            os.close(mount)
    return told
