"""One way from the load generator to the upstream: straight, or through one proxy."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import load, machine
from bench.heads import HOST, UPLOAD_HOST, connect_head, host_of, requests_of
from bench.tunnel import Road

UNTRUSTED_HOST = "github.com"
"""Leads to a server whose certificate nobody should accept."""


class Missing(Exception):
    """A peer that is not installed here; the text is a sentence that says what is missing."""


def no_processes() -> list[int]:
    return []


def nothing_to_settle() -> None:
    """Nothing is done later."""


def uncounted(_answers: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Way:
    """`name` is for tables, `about` says version and configuration in a line.

    `targets` tells for each host what CONNECT asks for; None where there is nothing to ask. `host_field` gives what
    stands in the request's Host. `authority` signed the certificate that clients see. `processes` are those of the
    proxy, `own_memory` whether no other way shares them. `counted` is told how many answers came. `settle` waits until
    nothing is left to be done of what went before.
    """

    name: str
    about: str
    port: int
    directory: Path
    authority: Path
    targets: Mapping[str, str] | None = None
    token: str = ""
    port_in_host: bool = False
    processes: Callable[[], list[int]] = no_processes
    counted: Callable[[int], None] = uncounted
    settle: Callable[[], None] = nothing_to_settle
    own_memory: bool = True

    def host_field(self, host: str) -> str:
        return self.targets[host] if self.targets and self.port_in_host else host

    def connect(self, host: str) -> bytes:
        return connect_head(self.targets[host], self.token) if self.targets else b""

    def road(self, host: str, context: ssl.SSLContext) -> Road:
        return Road(self.port, host, self.connect(host), context)

    def run(self, program: Path, job: load.Job) -> load.Found:
        """Raises TameFlareError where requests fail."""
        host = host_of(job.request)
        heads = requests_of(job.size, self.host_field(HOST), self.host_field(UPLOAD_HOST))
        more = ["--request", self._write("request", heads[job.request]), "--server-name", host]
        if self.targets:
            more += ["--connect", self._write("connect", self.connect(host))]
        found = load.run(program, job, self.port, more)
        self.counted(found.all_answers)
        return found

    def memory(self) -> int:
        """Bytes of all its processes."""
        return sum(map(machine.proportional_bytes, self.processes()))

    def cpu_seconds(self) -> float:
        return sum(sum(machine.cpu_seconds(pid)) for pid in self.processes())

    def _write(self, kind: str, data: bytes) -> str:
        path = self.directory / f"{kind}-of-{self.port}"
        path.touch(0o600)
        path.write_bytes(data)
        return str(path)
