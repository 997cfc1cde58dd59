"""Ways to hand something to a program outside that is no network: sockets in files, memory, queues, keys, terminals."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Try, attempt, claim, reason
from tameflare.isolate.probes.kernel import library, pointer, system
from tameflare.isolate.probes.secrets import elsewhere

_SECONDS: Final = 1.5
_LATE_SECONDS, _LOOK_SECONDS = 5.0, 0.02
_SEARCH, _READ, _LONGEST_KEY = 10, 11, 256
_USER_KEYRING, _SESSION_KEYRING = -4, -3
_FAILED: Final = ctypes.c_void_p(-1).value


def _hand_over(address: str, mark: bytes) -> None:
    """To a stream socket; `@` begins an abstract name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_SECONDS)
        line.connect("\0" + address[1:] if address.startswith("@") else address)
        line.sendall(mark)


def _sockets(facts: Facts, probe: str, place: str) -> Iterator[Try]:
    own = [(address, device) for name, address, device in facts.unix if name == place]
    fitting = [found for address, device in own for found in (address, *elsewhere(address, device))]
    for address in fitting:
        yield attempt(address, Came.SENT, _hand_over, address, facts.mark(probe))
    if not fitting:
        yield Try(place, Came.ABSENT, "there is no such place")


def abstract(facts: Facts) -> Iterator[Try]:
    return _sockets(facts, "abstract-socket", "abstract")


def socket_tmp(facts: Facts) -> Iterator[Try]:
    return _sockets(facts, "socket-in-tmp", "tmp")


def socket_home(facts: Facts) -> Iterator[Try]:
    return _sockets(facts, "socket-in-home", "home")


def socket_runtime(facts: Facts) -> Iterator[Try]:
    return _sockets(facts, "socket-in-runtime-dir", "runtime")


def socket_here(facts: Facts) -> Iterator[Try]:
    return _sockets(facts, "socket-here", "here")


def socket_renamed(facts: Facts) -> Iterator[Try]:
    return _sockets(facts, "socket-renamed", "renamed")


def socket_later(facts: Facts) -> Iterator[Try]:
    """What covers the sockets of the outside was put there when the run began."""
    for path in facts.late:
        deadline = time.monotonic() + _LATE_SECONDS
        while not Path(path).exists() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        yield attempt(path, Came.SENT, _hand_over, path, facts.mark("socket-later"))
    if not facts.late:
        yield Try("sockets", Came.ABSENT, "the doctor could make none")


def services(facts: Facts) -> Iterator[Try]:
    """Programs that act for whoever asks; nothing is asked of them. The doctor found them to listen."""
    for name, address in facts.services:
        yield attempt(f"{name} {address}", Came.DONE, _hand_over, address, b"")
    if not facts.services:
        yield Try("services", Came.ABSENT, "none of those known by name listens here")


def _append(path: str, mark: bytes) -> None:
    """Into a file or fifo that is there already."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        os.write(handle, mark)
    finally:
        os.close(handle)


def fifo(facts: Facts) -> Iterator[Try]:
    return _pipes(facts, "fifo", {"tmp", "runtime"})


def fifo_here(facts: Facts) -> Iterator[Try]:
    """Some programs take commands from one."""
    return _pipes(facts, "fifo-here", {"home", "here"})


def _pipes(facts: Facts, probe: str, places: set[str]) -> Iterator[Try]:
    for place, path in facts.fifos:
        if place in places:
            yield attempt(path, Came.SENT, _append, path, facts.mark(probe))


def shared_memory(facts: Facts) -> Iterator[Try]:
    """A System V segment by its number, and files in /dev/shm by their name."""
    mark = facts.mark("shared-memory")
    yield attempt("System V segment", Came.SENT, _into_segment, facts.shm, mark)
    for path in facts.shared_files:
        yield attempt(path, Came.SENT, _append, path, mark)


def _into_segment(number: int, mark: bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    place = libc.shmat(ctypes.c_int(number), None, 0)
    if place is None or place == _FAILED:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    ctypes.memmove(place, mark, len(mark))
    libc.shmdt(ctypes.c_void_p(place))


def queues(facts: Facts) -> Iterator[Try]:
    mark = facts.mark("message-queues")
    message = ctypes.create_string_buffer((1).to_bytes(ctypes.sizeof(ctypes.c_long), "little") + mark)
    yield attempt("System V queue", Came.SENT, library, "msgsnd", facts.messages, pointer(message), len(mark), 0o4000)
    if not facts.posix_queue:
        yield Try("POSIX queue", Came.ABSENT, "this kernel has none")
        return
    yield attempt("POSIX queue", Came.SENT, _into_queue, facts.posix_queue, mark)


def _into_queue(name: str, mark: bytes) -> None:
    queue = library("mq_open", name.encode(), os.O_WRONLY | os.O_NONBLOCK)
    library("mq_send", queue, mark, len(mark), 0)


def keyring(facts: Facts) -> Iterator[Try]:
    """A key of the doctor's: by its number, and by looking through the keyrings of user and session."""
    if not facts.key:
        yield Try("keyring", Came.ABSENT, "this kernel has none, or gives us none")
        return
    yield _key("by its number", facts, None)
    yield _key("user's keyring", facts, _USER_KEYRING)
    yield _key("session's keyring", facts, _SESSION_KEYRING)


def _key(way: str, facts: Facts, ring: int | None) -> Try:
    buffer = ctypes.create_string_buffer(_LONGEST_KEY)
    name = f"tf-escape.{facts.nonce}".encode()
    try:
        key = facts.key if ring is None else system("keyctl", _SEARCH, ring, b"user", name, 0)
        size = system("keyctl", _READ, key, pointer(buffer), _LONGEST_KEY)
    except OSError as fault:
        return Try(way, Came.BLOCKED, reason(fault))
    return claim(way, buffer.raw[:size] == facts.mark("keyring"))


def inherited(facts: Facts) -> Iterator[Try]:
    """The one that the doctor left open on purpose."""
    mark = facts.mark("inherited-files")
    yield attempt(f"descriptor {facts.inherited}", Came.SENT, os.write, facts.inherited, mark)


def typing(facts: Facts) -> Iterator[Try]:
    """TIOCSTI types into the terminal, whose shell would read it when the run has ended."""
    if not os.isatty(0):
        yield Try("standard input", Came.ABSENT, "it is no terminal")
        return
    mark = facts.mark("typing")
    yield attempt("standard input", Came.SENT, _type, 0, mark)
    for path in facts.terminals:
        yield attempt(f"{path}, as its own", Came.SENT, _adopt, path, mark)


def _type(terminal: int, mark: bytes) -> None:
    for letter in mark:
        fcntl.ioctl(terminal, termios.TIOCSTI, bytes([letter]))


def _adopt(path: str, mark: bytes) -> None:
    """Leave the session, take that terminal as one's own, and type into it."""
    if os.fork() == 0:
        os.setsid()
        try:
            handle = os.open(path, os.O_RDWR)
            fcntl.ioctl(handle, termios.TIOCSCTTY, 1)
            _type(handle, mark)
        except OSError as fault:
            os._exit(fault.errno or 1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.wait()[1])
    if code:
        raise OSError(code, os.strerror(code))


def terminals(facts: Facts) -> Iterator[Try]:
    """Another terminal of the same user, by its name: who writes there draws on it."""
    for path in facts.terminals:
        yield attempt(path, Came.SENT, _append, path, facts.mark("other-terminals"))
