"""Processes outside: looking into them, taking from them, ending them."""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Process, Try, attempt, claim, reason
from tameflare.isolate.probes.kernel import library, processes, started, system

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_WALL: Final = 0x40000000
_MASTER_KEY: Final = re.compile(rb"SETTINGS_ENCRYPTION_KEY=([0-9a-fA-F]{64})")
_BAD_ADDRESS: Final = 14


class _Span(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def there(facts: Facts) -> list[Process]:
    """TameFlare's own processes; `tf run` is known by the mark in its command line."""
    mine = {os.getpid(), os.getppid()}
    runs = [Process("tf run", pid, 0) for pid in processes() if pid not in mine and _is_tf_run(pid, facts.nonce)]
    return [*facts.ours, *runs]


def _is_tf_run(pid: int, nonce: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return words.split(b"\0")[1:5] == [b"-P", b"-m", b"tameflare", b"run"] and nonce.encode() in words


def is_it(process: Process) -> bool:
    """Whether that id means the same process here as outside."""
    try:
        return process.started in {0, started(process.pid)}
    except OSError:
        return False


def _look(targets: list[Process], deed: Callable[[int], object]) -> Iterator[Try]:
    if not targets:
        yield Try("processes", Came.ABSENT, "none of them is on this machine")
    for process in targets:
        if not is_it(process):
            yield Try(process.name, Came.BLOCKED, "not to be seen")
            continue
        try:
            deed(process.pid)
        except OSError as fault:
            yield Try(process.name, Came.BLOCKED, reason(fault))
            continue
        yield Try(process.name, Came.DONE)


def _environment(pid: int) -> None:
    Path(f"/proc/{pid}/environ").read_bytes()


def _memory(pid: int) -> None:
    """By its file, and by process_vm_readv(2): bad address means that we may."""
    try:
        Path(f"/proc/{pid}/mem").open("rb").close()
    except OSError:
        buffer = ctypes.create_string_buffer(8)
        here, away = _Span(ctypes.addressof(buffer), 8), _Span(0x1000, 8)
        try:
            library("process_vm_readv", pid, ctypes.byref(here), 1, ctypes.byref(away), 1, 0)
        except OSError as fault:
            if fault.errno != _BAD_ADDRESS:
                raise


def _files(pid: int) -> None:
    """Its root and working directory lead round every mount; its descriptors to what it has open."""
    last: OSError | None = None
    for name in ("root", "cwd", "fd/0", "fd/1", "fd/2"):
        try:
            Path(f"/proc/{pid}/{name}").readlink()
            return
        except OSError as fault:
            last = fault
    assert last is not None
    raise last


def _trace(pid: int) -> None:
    library("ptrace", _SEIZE, pid, 0, 0)
    library("ptrace", _INTERRUPT, pid, 0, 0)
    os.waitpid(pid, _WALL)  # only a tracee that stands still can be let go
    library("ptrace", _DETACH, pid, 0, 0)


def _descriptor(pid: int) -> None:
    handle = system("pidfd_open", pid, 0)
    try:
        os.close(system("pidfd_getfd", handle, 0, 0))
    finally:
        os.close(handle)


def _may_end(pid: int) -> None:
    os.kill(pid, 0)


def environment(facts: Facts) -> Iterator[Try]:
    return _look(there(facts), _environment)


def memory(facts: Facts) -> Iterator[Try]:
    return _look(there(facts), _memory)


def files(facts: Facts) -> Iterator[Try]:
    return _look(there(facts), _files)


def trace(facts: Facts) -> Iterator[Try]:
    return _look(there(facts), _trace)


def descriptor(facts: Facts) -> Iterator[Try]:
    return _look(there(facts), _descriptor)


def end_ours(facts: Facts) -> Iterator[Try]:
    """Signal 0 asks whether another would be let through."""
    return _look(there(facts), _may_end)


def group(facts: Facts) -> Iterator[Try]:
    """A signal to the process group reaches every member of our user, in whatever namespace it is. Programs that do not
    wait for this one ignore it."""
    if not facts.signals:
        yield Try("process group", Came.ABSENT, "the doctor has nobody in it")
        return
    yield attempt("process group", Came.SENT, os.killpg, 0, signal.SIGWINCH)


def ordinary(facts: Facts) -> Iterator[Try]:
    """The same on a program that is not closed to it, which shows that these ways do work."""
    deeds = {"environment": _environment, "memory": _memory, "files": _files, "trace": _trace}
    for name, deed in {**deeds, "descriptor": _descriptor}.items():
        for found in _look(facts.ordinary[:1], deed):
            yield found._replace(way=f"its {name}")


def end_ordinary(facts: Facts) -> Iterator[Try]:
    """The doctor sees what its program died of."""

    def end(pid: int) -> None:
        os.kill(pid, signal.SIGUSR1)

    return (found._replace(came=_sent(found.came)) for found in _look(facts.ordinary[1:], end))


def _sent(came: Came) -> Came:
    return Came.SENT if came is Came.DONE else came


def listing(facts: Facts) -> Iterator[Try]:
    return _look([*facts.ours, *facts.ordinary[:1]], lambda _: None)


def survivor(facts: Facts) -> Iterator[Try]:
    """A program that leaves session and parents behind, and stays a minute. The doctor looks for it, and ends it."""
    words = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)", facts.mark("survivor").decode().strip()]
    if os.fork() == 0:
        os.setsid()
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        os._exit(0)
    os.wait()
    yield Try("double fork", Came.SENT, "started")


def master_key(facts: Facts) -> Iterator[Try]:
    """In the environment of any process that lets itself be looked into. Only the one that sealed the database counts,
    where it is known which."""
    found = [key for pid in processes() for key in _MASTER_KEY.findall(_read(pid))]
    is_ours = any(not facts.key_ids or key_id(bytes.fromhex(key.decode())) in facts.key_ids for key in found)
    yield claim("environments of all processes", is_ours, "" if is_ours else "none has it")


def key_id(master: bytes) -> str:
    """The id that sealed values carry: HKDF-SHA-256 (RFC 5869) without salt, first four bytes."""
    extracted = hmac.new(bytes(32), master, hashlib.sha256).digest()
    return hmac.new(extracted, b"tameflare vault v2 id\x01", hashlib.sha256).digest()[:4].hex()


def _read(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
