"""The walls themselves: taking away what covers the secrets, and going back to the namespaces of the machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Try, attempt, claim, reason
from tameflare.isolate.probes.kernel import capabilities, library, processes, status, system
from tameflare.isolate.probes.secrets import is_same, nothing_is_covered

_NEWNS, _NEWUSER = 0x20000, 0x10000000
_BIND, _PRIVATE, _REC = 0x1000, 0x40000, 0x4000
_DETACH: Final = 2
_CLONE: Final = 1
_PARENT, _OWNER = 0xB702, 0xB701
_NO_PRIVILEGES: Final = "NoNewPrivs"


def _own_user_namespace() -> None:
    """Have every power over a namespace of our own, and a copy of the mounts in it. Raises OSError."""
    user, group = os.geteuid(), os.getegid()
    library("unshare", _NEWUSER | _NEWNS)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path(f"/proc/self/{name}").write_text(text, encoding="ascii")


def _covers(facts: Facts) -> list[str]:
    """Mount points at or above the secrets, the nearest first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    paths = [secret.path for secret in facts.secrets]
    above = {point for point in points if any(path == point or path.startswith(point + "/") for path in paths)}
    return sorted(above - {"/"}, key=len, reverse=True)


def _apart(deed: Callable[[], str]) -> str:
    """Do it in a process of its own, whose mounts and namespaces end with it. Raises OSError where it did not work."""
    ours, theirs = os.pipe()
    if os.fork() == 0:
        try:
            told = deed()
        except OSError as fault:
            told = f"-{reason(fault)}"
        os.write(theirs, told.encode()[:4000])
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        said = stream.read().decode()
    os.wait()
    return said


def unmask(facts: Facts) -> Iterator[Try]:
    """With the powers that we have, and with those that a user namespace of our own gives."""
    if nothing_is_covered(facts):
        yield Try("covers", Came.ABSENT, "nothing is covered")
        return
    for name, deed in {"unmount": _unmount, "bind": _bind, "clone": _clone, "chroot": _chroot, "pivot": _pivot}.items():
        for prefix, first in (("", None), (" in a user namespace of its own", _own_user_namespace)):
            told = _apart(lambda deed=deed, first=first: deed(facts, first))  # type: ignore[misc]
            yield Try(name + prefix, Came.BLOCKED if told.startswith("-") else Came.DONE, told.removeprefix("-"))


First = Callable[[], None] | None


def _begin(first: First) -> None:
    if first:
        first()


def _seen(facts: Facts, root: str = "") -> str:
    """Which secret can be read under another root; begins with a minus where none can."""
    for secret in facts.secrets:
        try:
            handle = os.open(root + secret.path, os.O_RDONLY)
        except OSError:
            continue
        if is_same(facts, secret, handle):
            return f"{secret.path} came to light"
    return "-what lies below did not come to light"


def _unmount(facts: Facts, first: First) -> str:
    _begin(first)
    last = "-no mount covers them"
    for point in _covers(facts):
        try:
            library("umount2", point.encode(), _DETACH)
            last = "-unmounted, and nothing came to light"
        except OSError as fault:
            last = f"-{reason(fault)}"
    found = _seen(facts)
    return last if found.startswith("-") else found


def _bind(facts: Facts, first: First) -> str:
    """A bind that is not recursive leaves behind what is mounted above."""
    _begin(first)
    last = "-nothing came to light"
    for source in ("/", str(Path.home()), *{str(Path(secret.path).parent) for secret in facts.secrets}):
        place = tempfile.mkdtemp(prefix="tf-escape-")
        try:
            library("mount", source.encode(), place.encode(), None, _BIND, None)
            found = _seen(facts, place if source == "/" else "") if source == "/" else _below(facts, source, place)
            if not found.startswith("-"):
                return found
        except OSError as fault:
            last = f"-{reason(fault)}"
        finally:
            _tidy(place)
    return last


def _below(facts: Facts, source: str, place: str) -> str:
    """As `_seen`, where `place` shows the folder `source`."""
    for secret in facts.secrets:
        if secret.path.startswith(source + "/"):
            try:
                handle = os.open(place + secret.path[len(source) :], os.O_RDONLY)
            except OSError:
                continue
            if is_same(facts, secret, handle):
                return f"{secret.path} came to light"
    return "-nothing came to light"


def _clone(facts: Facts, first: First) -> str:
    """The same by open_tree(2), which needs no place to mount on."""
    _begin(first)
    tree = system("open_tree", -100, b"/", _CLONE | os.O_CLOEXEC)
    return _seen(facts, f"/proc/self/fd/{tree}")


def _chroot(facts: Facts, first: First) -> str:
    """Out of a root by leaving the working directory above it."""
    _begin(first)
    place = tempfile.mkdtemp(prefix="tf-escape-")
    upper = os.open("/", os.O_RDONLY)
    try:
        os.chroot(place)
    finally:
        _tidy(f"/proc/self/fd/{upper}{place}")
    os.fchdir(upper)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    return _seen(facts)


def _pivot(facts: Facts, first: First) -> str:
    """Put another root in place of ours, and unmount the old one step by step."""
    _begin(first)
    library("mount", b"none", b"/", None, _PRIVATE | _REC, None)
    place = tempfile.mkdtemp(prefix="tf-escape-")
    library("mount", b"tmpfs", place.encode(), b"tmpfs", 0, None)
    os.mkdir(f"{place}/old")  # noqa: PTH102 - the root changes under it
    system("pivot_root", place.encode(), f"{place}/old".encode())
    for point in _covers(facts):
        library("umount2", f"/old{point}".encode(), _DETACH)
    return _seen(facts, "/old")


def _tidy(place: str) -> None:
    try:
        os.rmdir(place)  # noqa: PTH106 - the root may have changed
    except OSError:
        return  # a mount is on it, which ends with this process


def namespaces(facts: Facts) -> Iterator[Try]:
    """Back into the machine's own, over any process that can be seen, or up from ours."""
    if all(Path(f"/proc/self/ns/{name}").stat().st_ino == inode for name, inode in facts.namespaces.items()):
        yield Try("namespaces", Came.ABSENT, "the program is in the machine's own")
        return
    for name, inode in facts.namespaces.items():
        if Path(f"/proc/self/ns/{name}").stat().st_ino == inode:
            yield Try(name, Came.BLOCKED, "shared with the machine, by design")
            continue
        yield attempt(name, Came.DONE, _enter, name, inode)


def _enter(name: str, inode: int) -> None:
    last = OSError(1, os.strerror(1))
    for place in [f"/proc/{pid}/ns/{name}" for pid in processes()] + [f"/proc/self/ns/{name}"]:
        try:
            handle = os.open(place, os.O_RDONLY)
        except OSError as fault:
            last = fault
            continue
        try:
            for wish in (None, _PARENT, _OWNER):
                door = handle if wish is None else fcntl.ioctl(handle, wish)
                if os.fstat(door).st_ino == inode:
                    library("setns", door, 0)
                    return
        except OSError as fault:
            last = fault
        finally:
            os.close(handle)
    raise last


def mounting(_facts: Facts) -> Iterator[Try]:
    """A mount of its own, without and with a user namespace of its own."""
    place = tempfile.mkdtemp(prefix="tf-escape-")

    def mount(first: First) -> str:
        _begin(first)
        library("mount", b"tmpfs", place.encode(), b"tmpfs", 0, None)
        library("umount2", place.encode(), _DETACH)
        return "mounted"

    told = _apart(lambda: mount(None))
    _tidy(place)
    yield Try("mount", Came.BLOCKED if told.startswith("-") else Came.DONE, told.removeprefix("-"))


def nested(_facts: Facts) -> Iterator[Try]:
    """Programs such as browsers want one; it widens what of the kernel can be asked."""

    def make() -> str:
        _own_user_namespace()
        return "made"

    told = _apart(make)
    yield Try("user namespace", Came.BLOCKED if told.startswith("-") else Came.DONE, told.removeprefix("-"))


def powers(_facts: Facts) -> Iterator[Try]:
    held = capabilities()
    yield claim("capabilities", held != 0, f"{held.bit_count()} in effect" if held else "none in effect")


def setuid(_facts: Facts) -> Iterator[Try]:
    """no_new_privs holds for whatever is started from here; without it, such a program runs as its owner."""
    if status(_NO_PRIVILEGES) == "1":
        yield Try("no_new_privs", Came.BLOCKED, "set")
        return
    names = ("su", "sudo", "mount", "passwd", "newuidmap", "pkexec", "fusermount3")
    places = [Path(folder, name) for folder in ("/usr/bin", "/bin", "/usr/local/bin") for name in names]
    found = [place for place in places if place.exists() and place.stat().st_mode & 0o4000]
    if not found:
        yield Try("setuid programs", Came.ABSENT, "none of those known by name is here")
    for place in found:
        yield claim(str(place), place.stat().st_uid != os.geteuid(), "it would run as its owner")
