"""What is measured of each way, in each round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.figures import MEGABYTE, OPENING_SECONDS, Scale
from bench.heads import HOST
from bench.idle import ANSWER, held
from bench.load import Found, Job
from bench.peers.way import Way
from bench.tunnel import unverified
from tameflare.core.errors import TameFlareError

RATE = 200
CONNECTIONS = (1, 32, 256)
TRANSFER_SECONDS = 10.0
EVENTS_WARMUP = 1.0


FULL = Scale(seconds=2.0, warmup=0.5, steady_seconds=4.0)
"""Half as long as for ours alone: there are more to measure."""
QUICK = Scale(seconds=0.5, warmup=0.2, steady_seconds=1.0, transfer=10 * MEGABYTE, tunnels=50)

Values = dict[str, float]
Figure = Callable[[Way, Path, Scale], Values]
"""The values by their names, in the units of report.COLUMNS. Raises TameFlareError where requests fail."""


def keep_alive(connections: int) -> Figure:
    """As fast as it goes over so many connections, with what a request costs the proxy's processes in CPU."""

    def figure(way: Way, program: Path, scale: Scale) -> Values:
        job = Job("json", connections, scale.seconds, scale.warmup + connections * OPENING_SECONDS)
        before = way.cpu_seconds()
        found = way.run(program, job)
        cpu = way.cpu_seconds() - before
        _check_sizes(found, connections)
        return {f"rate_{connections}": found.per_second, f"cpu_{connections}": cpu / found.all_answers * 1e6}

    return figure


def _check_sizes(found: Found, connections: int) -> None:
    """Every answer had its whole body; those under way at both ends of the measurement may be counted in part."""
    if not found.answers:
        raise TameFlareError("no answer came", "it does not get on at all")
    if abs(found.bytes_in - found.answers * ANSWER) > 2 * connections * ANSWER:
        raise TameFlareError("answers are not as long as the upstream's", f"{found.bytes_in} in {found.answers}")


def steady(way: Way, program: Path, scale: Scale) -> Values:
    """200 requests a second at fixed times over eight connections; times in ms, counted from when each was due."""
    times = way.run(program, Job("json", 8, scale.steady_seconds, scale.warmup, rate=RATE)).times_us
    return {"p50": times.p50 / 1e3, "p99": times.p99 / 1e3}


def tunnels(way: Way, program: Path, scale: Scale) -> Values:
    """A new connection, tunnel and TLS handshake for each request, eight at a time."""
    before = way.cpu_seconds()
    found = way.run(program, Job("json", 8, scale.seconds, scale.warmup, fresh=True))
    cpu = way.cpu_seconds() - before
    return {"tunnels": found.per_second, "cpu_tunnel": cpu / max(1, found.all_answers) * 1e6}


def transfer(request: str) -> Figure:
    """One large body, twice over one connection, MB/s; as much of it as comes in the time.

    `cpu_` is what 100 MB take of the proxy's processes, ms."""

    def figure(way: Way, program: Path, scale: Scale) -> Values:
        before = way.cpu_seconds()
        found = way.run(program, Job(request, 1, TRANSFER_SECONDS, requests=2, size=scale.transfer))
        megabytes = max(found.bytes_in, found.bytes_out) / MEGABYTE
        cpu = (way.cpu_seconds() - before) / max(megabytes, 1)
        return {request: megabytes / found.seconds, f"cpu_{request}": cpu * 1e5}

    return figure


def events(way: Way, program: Path, scale: Scale) -> Values:
    """Eight streams of 50 events a second: from the upstream's write to the client's read, ms.

    Some look at the beginning of a body before they pass it on; that is over when the warm-up is.
    """
    delays = way.run(program, Job("events", 8, scale.seconds, EVENTS_WARMUP, events=True)).delays_us
    if not delays.count:
        raise TameFlareError("no event came", "it collects the stream before it goes on")
    return {"event_p50": delays.p50 / 1e3, "event_p99": delays.p99 / 1e3}


def memory(way: Way, _program: Path, scale: Scale) -> Values:
    """MB of all its processes before any load, and kB more for each tunnel that has answered once and stays open."""
    if not (way.own_memory and way.processes()):
        return {}
    before = way.memory()
    with held(way.road(HOST, unverified()), scale.tunnels, way.host_field(HOST)):
        during = way.memory()
    return {"idle": before / MEGABYTE, "per_tunnel": (during - before) / scale.tunnels / 1e3}


FIGURES: dict[str, Figure] = {
    "time of a request at 200/s": steady,
    "server-sent events": events,
    **{f"{connections} connections": keep_alive(connections) for connections in CONNECTIONS},
    "new tunnels": tunnels,
    "download": transfer("download"),
    "upload": transfer("upload"),
}
"""Measured in every round."""

ONCE: dict[str, Figure] = {"memory": memory}
"""Measured before anything else, since memory that was used once is not given back."""


def of_round(number: int) -> Iterator[tuple[str, Figure]]:
    """Counted from 0."""
    if number == 0:
        yield from ONCE.items()
    yield from FIGURES.items()
