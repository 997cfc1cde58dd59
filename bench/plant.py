"""Everything that is measured, running: the whole product by `tf up`, and the fast upstream behind it.

Nothing is switched off or replaced: credentials are sealed, rules judged, the rate counted (with a limit that is never
reached), records spooled and delivered into SQLite, and the upstream's certificate is verified.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from bench import load, machine, native
from bench.heads import HOST, UPLOAD_HOST, connect_head, host_of, requests_of
from bench.machine import Cores
from tameflare.core.errors import TameFlareError
from tameflare.demo.certificates import ServerCertificate, make_certificates
from tameflare.demo.product import Connector, Product

HOSTS: Final = (HOST, UPLOAD_HOST, "localhost")  # what the upstream's certificate is for
RATE_LIMIT: Final = 1_000_000
CONTROL_PLANE_NICE: Final = 10
SETTLE_SECONDS: Final = 120.0
SETTINGS: Final = {"TF_MAX_TUNNELS": "20000"}  # all that is opened here is one agent's
RULES: Final = (
    ("github.*", "allow"),
    ("github.pr.merge", "deny"),
    ("github.repo.delete", "deny"),
    ("github.release.upload_asset", "allow"),
)


@dataclass
class Plant:
    """A running installation with its upstream. `proxy_pid` is the data plane's process, `answers` what came through
    it so far."""

    directory: Path
    programs: dict[str, Path]
    product: Product
    upstream_port: int
    relay_port: int
    token: str
    proxy_pid: int
    certificates: ServerCertificate
    cores: Cores
    answers: int = 0

    def direct(self, job: load.Job) -> load.Found:
        """The same requests straight to the upstream."""
        return load.run(self.programs["load"], job, self.upstream_port, self._heads(job))

    def relayed(self, job: load.Job) -> load.Found:
        """The same requests through a bare relay of bytes on the proxy's core: the least that any proxy costs here."""
        return load.run(self.programs["load"], job, self.relay_port, self._heads(job))

    def ours(self, job: load.Job, watch: Callable[[], None] | None = None) -> load.Found:
        """The same requests through the proxy."""
        connect = self._write("connect", connect_head(f"{host_of(job.request)}:443", self.token))
        more = [*self._heads(job), "--connect", connect]
        found = load.run(self.programs["load"], job, self.proxy_port, more, watch)
        self.answers += found.all_answers
        return found

    @property
    def proxy_port(self) -> int:
        return int(self.product.proxy.rpartition(":")[2])

    def _heads(self, job: load.Job) -> list[str]:
        head = requests_of(job.size)[job.request]
        return ["--request", self._write("request", head), "--server-name", host_of(job.request)]

    def _write(self, name: str, data: bytes) -> str:
        path = self.directory / name
        path.touch(0o600)
        path.write_bytes(data)
        return str(path)

    # --- the proxy's process

    def ours_with_cpu(self, job: load.Job) -> tuple[load.Found, float, float]:
        """As `ours`, with what a request took of the proxy's process: µs in all, and those in the kernel."""
        program, kernel = machine.cpu_seconds(self.proxy_pid)
        found = self.ours(job)
        program, kernel = (
            after - before for after, before in zip(machine.cpu_seconds(self.proxy_pid), (program, kernel), strict=True)
        )
        return found, (program + kernel) / found.all_answers * 1e6, kernel / found.all_answers * 1e6

    def memory(self) -> int:
        return machine.resident_bytes(self.proxy_pid)

    def health(self) -> Any:
        return httpx.get(self.product.proxy + "/health", trust_env=False, timeout=30).json()

    def settle(self) -> None:
        """Wait until all records are delivered, so that no delivery disturbs what is measured next."""
        pause = threading.Event()
        for _ in range(int(SETTLE_SECONDS / 0.25)):
            pause.wait(0.25)
            if self.health()["spool"]["waiting_bytes"] == 0:
                return
        raise TameFlareError(f"records still wait after {SETTLE_SECONDS:.0f} s", self.product.log_text()[-2000:])

    def check_records(self) -> None:
        """Raises TameFlareError where a request was answered that is not on record; only after `settle`."""
        if self.rows() < self.answers:
            raise TameFlareError(
                f"{self.answers} requests were answered and {self.rows()} are on record", "a bug: tell us"
            )

    def rows(self) -> int:
        """Requests on record in the control plane's database."""
        with closing(sqlite3.connect(f"file:{self.product.data}/server/traffic.db?mode=ro", uri=True)) as database:
            tables = database.execute(
                "SELECT name FROM sqlite_master WHERE type='table' AND name GLOB 'traffic_[0-9]*'"
            )
            return sum(
                database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in tables.fetchall()
            )


@contextmanager
def running(more_pins: Sequence[str] = ()) -> Iterator[Plant]:
    """Build, start, set up, pin; stop everything at the end. `more_pins` are added to TF_RESOLVE."""
    cores, own = Cores.of_this_machine(), os.sched_getaffinity(0)
    programs = native.build()
    machine.allow_many_files()
    with ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, own)
        os.sched_setaffinity(0, cores.others)
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="tameflare-bench-")))
        made = make_certificates(directory, HOSTS)
        port = stack.enter_context(serving([str(programs["upstream"]), str(made.certificate), str(made.key)]))
        relay = stack.enter_context(serving([str(programs["relay"]), str(port)], cores.proxy))
        pins = ",".join((*(f"{host}:443:127.0.0.1:{port}" for host in (HOST, UPLOAD_HOST)), *more_pins))
        product = stack.enter_context(installed(Product(directory, pins, made.authority, SETTINGS)))
        connector = Connector("github", "ghp_" + os.urandom(18).hex(), RULES)
        token = product.add_gateway("bench", (connector,), rate_limit_per_minute=RATE_LIMIT)
        product.wait_for_configuration()
        yield Plant(directory, programs, product, port, relay, token, _place(product.pid, cores), made, cores)


@contextmanager
def installed(product: Product) -> Iterator[Product]:
    """Started and set up; stopped also where it does not get that far."""
    with ExitStack() as stack:
        stack.push(product)  # its end without its beginning, which may fail halfway
        try:
            product.start()
            product.register()
        except TameFlareError as fault:
            raise TameFlareError(fault.message, f"{fault.help}\n{product.log_text()[-2000:]}") from fault
        yield product


@contextmanager
def serving(command: list[str], cores: frozenset[int] = frozenset()) -> Iterator[int]:
    """The port of one of our servers while it runs; it ends when its stdin does."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise TameFlareError(f"`{Path(command[0]).name}` did not start", "the line above says why")
        if cores:
            machine.pin(process.pid, cores)
        yield int(line)


def _place(supervisor: int, cores: Cores) -> int:
    """The proxy alone on its core; the control plane, which would have a core of its own, behind everything else."""
    proxy = next(pid for pid in machine.children(supervisor) if "tameflare.proxy" in machine.command(pid))
    machine.pin(proxy, cores.proxy)
    servers = [pid for pid in machine.children(supervisor) if pid != proxy]
    for pid in (*servers, *machine.children(proxy)):
        machine.pin(pid, cores.others)
        machine.lower_priority(pid, CONTROL_PLANE_NICE)
    return proxy
