"""Cores, processes and memory of this machine, read from /proc. Linux only."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
OPEN_FILES: Final = 16384
PROC: Final = Path("/proc")


@dataclass(frozen=True)
class Cores:
    """`proxy` is the one core of the proxy's process; `others` are for everything else."""

    proxy: frozenset[int]
    others: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        first, *rest = sorted(os.sched_getaffinity(0))
        return cls(frozenset((first,)), frozenset(rest or (first,)))


def threads(pid: int) -> list[int]:
    return [int(entry.name) for entry in (PROC / str(pid) / "task").iterdir()]


def pin(pid: int, cores: frozenset[int]) -> None:
    """All threads of a process to these cores; what it starts later follows."""
    for thread in threads(pid):
        with contextlib.suppress(ProcessLookupError):  # a thread may end meanwhile
            os.sched_setaffinity(thread, cores)


def lower_priority(pid: int, nice: int) -> None:
    for thread in threads(pid):
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, thread, nice)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; the command's name before them may hold anything."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> tuple[float, float]:
    """Time of all threads so far: in the program and in the kernel."""
    fields = _stat(pid)
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def resident_bytes(pid: int) -> int:
    return int((PROC / str(pid) / "statm").read_text().split()[1]) * PAGE


def proportional_bytes(pid: int) -> int:
    """Resident memory, in which pages that several processes share are counted in shares; where that may not be read,
    as `resident_bytes`."""
    try:
        lines = _lines(PROC / str(pid) / "smaps_rollup")
    except PermissionError:
        return resident_bytes(pid)
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def command(pid: int) -> list[str]:
    return (PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")


def children(pid: int) -> list[int]:
    found = []
    for entry in PROC.iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # processes come and go
            if entry.name.isdecimal() and int(_stat(int(entry.name))[1]) == pid:
                found.append(int(entry.name))
    return found


def family(pid: int) -> list[int]:
    """A process, what it has started, and what these have started."""
    return [pid, *(each for child in children(pid) for each in family(child))]


def allow_many_files() -> None:
    """For this process and those that it starts: a proxy with a thousand tunnels needs more than the usual 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def describe() -> str:
    """One line about what was measured on."""
    models = [line.partition(":")[2].strip() for line in _lines(PROC / "cpuinfo") if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION}"
    )


def noise(seconds: float) -> str:
    """How busy this machine is with other things, watched for so long while nothing of ours works."""
    before = _busy_and_stolen()
    threading.Event().wait(seconds)
    busy, stolen = (after - at_first for after, at_first in zip(_busy_and_stolen(), before, strict=True))
    all_of_it = seconds * (os.cpu_count() or 1)
    return f"other work {busy / all_of_it:.0%}, stolen by the host {stolen / all_of_it:.0%}"


def _busy_and_stolen() -> tuple[float, float]:
    """Seconds that all cores together have worked, and that the virtual machine's host has withheld."""
    user, nice, system, _idle, _wait, irq, soft, stolen = map(int, _lines(PROC / "stat")[0].split()[1:9])
    return (user + nice + system + irq + soft) / TICKS, stolen / TICKS


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
