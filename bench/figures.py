"""What is measured. Each figure runs direct and ours one right after the other and returns rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from bench import governing, machine
from bench.idle import idle_tunnels
from bench.load import Found, Job
from bench.plant import Plant

MEGABYTE = 1_000_000
OPENING_SECONDS = 0.01


@dataclass(frozen=True)
class Scale:
    """How long and how much. Seconds; `transfer` in bytes."""

    seconds: float = 4.0
    warmup: float = 1.0
    steady_seconds: float = 8.0
    transfer: int = 100 * MEGABYTE
    tunnels: int = 1000


@dataclass(frozen=True)
class Row:
    """One value of one round; None where there is no such thing. `relayed` is through a bare relay of bytes."""

    name: str
    unit: str
    direct: float | None
    ours: float
    relayed: float | None = None


Figure = Callable[[Plant, Scale], list[Row]]


def throughput(connections: int) -> Figure:
    """As fast as it goes over so many keep-alive connections, and what a request costs the proxy's process then.

    There is time to open the connections, ours and the proxy's own, before; the CPU that this takes (about a
    millisecond each) is spread over the requests.
    """

    def figure(plant: Plant, scale: Scale) -> list[Row]:
        job = Job("json", connections, scale.seconds, scale.warmup + connections * OPENING_SECONDS)
        direct = plant.direct(job)
        ours, cpu, kernel = plant.ours_with_cpu(job)
        at = f"{connections} connection" + ("s" if connections > 1 else "")
        return [
            Row(f"requests/s, {at}", "/s", direct.per_second, ours.per_second),
            Row(f"time of a request, {at}: p50", "ms", direct.times_us.p50 / 1e3, ours.times_us.p50 / 1e3),
            Row(f"time of a request, {at}: p99", "ms", direct.times_us.p99 / 1e3, ours.times_us.p99 / 1e3),
            Row(f"CPU of the proxy per request, {at}", "µs", None, cpu),
            Row(f"of that in the kernel, {at}", "µs", None, kernel),
            Row(
                f"the proxy's core is busy, {at}", "%", None, cpu * ours.all_answers / (job.seconds + job.warmup) / 1e4
            ),
        ]

    return figure


def governed(plant: Plant, scale: Scale) -> list[Row]:
    """As fast as it goes with a hundred policies, thirty of whose rules can match each request."""
    job = Job("json", 32, scale.seconds, scale.warmup + 32 * OPENING_SECONDS)
    direct = plant.direct(job)
    with governing.governed(plant.product):
        ours, cpu, _ = plant.ours_with_cpu(job)
    return [
        Row("requests/s, 32 connections, 100 policies", "/s", direct.per_second, ours.per_second),
        Row("CPU of the proxy per request, 32 connections, 100 policies", "µs", None, cpu),
    ]


def steady(plant: Plant, scale: Scale) -> list[Row]:
    """200 requests a second, as agents are: what a request takes longer."""
    job = Job("json", 8, scale.steady_seconds, scale.warmup, rate=200)
    direct, relayed = plant.direct(job).times_us, plant.relayed(job).times_us
    found, cpu, _ = plant.ours_with_cpu(job)
    ours = found.times_us
    return [
        Row("time of a request at 200/s: p50", "ms", direct.p50 / 1e3, ours.p50 / 1e3, relayed.p50 / 1e3),
        Row("time of a request at 200/s: p99", "ms", direct.p99 / 1e3, ours.p99 / 1e3, relayed.p99 / 1e3),
        Row("CPU of the proxy per request at 200/s", "µs", None, cpu),
    ]


def tunnels(plant: Plant, scale: Scale) -> list[Row]:
    """A new connection for each request: TCP, CONNECT, a whole TLS handshake, one answer."""
    job = Job("json", 8, scale.seconds, scale.warmup, fresh=True)
    direct = plant.direct(job)
    ours, cpu, _ = plant.ours_with_cpu(job)
    return [
        Row("new connections (tunnels)/s", "/s", direct.per_second, ours.per_second),
        Row("CPU of the proxy per new tunnel", "µs", None, cpu),
    ]


def transfer(request: str) -> Figure:
    """One large body, three times over one connection; what memory that takes."""

    def figure(plant: Plant, scale: Scale) -> list[Row]:
        job = Job(request, 1, 120, requests=3, size=scale.transfer)
        direct = plant.direct(job)
        before = plant.memory()
        highest = [before]
        ours = plant.ours(job, lambda: highest.append(plant.memory()))
        name = f"{request} of {scale.transfer // MEGABYTE} MB"
        return [
            Row(name, "MB/s", _megabytes_a_second(direct), _megabytes_a_second(ours)),
            Row(f"memory of the proxy before the {name}", "MB", None, before / MEGABYTE),
            Row(f"memory of the proxy during the {name}, highest", "MB", None, max(highest) / MEGABYTE),
            Row(f"memory of the proxy after the {name}", "MB", None, plant.memory() / MEGABYTE),
        ]

    return figure


def _megabytes_a_second(found: Found) -> float:
    return max(found.bytes_in, found.bytes_out) / found.seconds / MEGABYTE


def events(plant: Plant, scale: Scale) -> list[Row]:
    """Eight streams of 50 events a second: from the upstream's write to the client's read."""
    job = Job("events", 8, scale.seconds, scale.warmup, events=True)
    direct, relayed, ours = (way(job).delays_us for way in (plant.direct, plant.relayed, plant.ours))
    return [
        Row("delay of a server-sent event: p50", "ms", direct.p50 / 1e3, ours.p50 / 1e3, relayed.p50 / 1e3),
        Row("delay of a server-sent event: p99", "ms", direct.p99 / 1e3, ours.p99 / 1e3, relayed.p99 / 1e3),
    ]


def memory(plant: Plant, scale: Scale) -> list[Row]:
    """What waiting costs: the proxy by itself, then with tunnels that have answered a request and stay open."""
    cpu = sum(machine.cpu_seconds(plant.proxy_pid))
    Event().wait(scale.seconds)
    cpu = sum(machine.cpu_seconds(plant.proxy_pid)) - cpu
    before = plant.memory()
    with idle_tunnels(plant, scale.tunnels):
        during = plant.memory()
    return [
        Row("memory of the proxy, idle", "MB", None, before / MEGABYTE),
        Row("the proxy's core is busy, idle", "%", None, cpu / scale.seconds * 100),
        Row(f"memory per idle tunnel, of {scale.tunnels}", "kB", None, (during - before) / scale.tunnels / 1e3),
    ]


FIGURES: tuple[Figure, ...] = (
    steady,
    events,
    throughput(1),
    throughput(32),
    governed,
    throughput(256),
    tunnels,
    transfer("download"),
    transfer("upload"),
)
"""Measured in every round."""

ONCE: tuple[Figure, ...] = (memory,)
"""Measured before anything else, since memory that was used once is not given back."""
