"""Starts what is there, proves it, and measures all ways in turn."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime

from bench import machine
from bench.figures import Scale
from bench.heads import HOST
from bench.peers import direct, go, mitm, nginx, ours, proof, proxy_py, squid
from bench.peers.figures import of_round
from bench.peers.results import Peer, Results
from bench.peers.site import Site, opened
from bench.peers.way import Missing, Way
from bench.tunnel import unverified
from tameflare.core.errors import TameFlareError

NOISE_SECONDS = 3.0
REST_SECONDS, MOST_RESTS = 0.1, 100
BUSY = 0.2
PEERS: dict[str, Callable[[Site], AbstractContextManager[Way]]] = {
    "nginx": nginx.running,
    "squid": squid.running,
    "mitmproxy": mitm.running,
    "proxy.py": proxy_py.running,
    "go": go.running,
}
"""By the names that `--only` takes. Direct and ours are always measured."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(names: Collection[str], scale: Scale, rounds: int, *, quick: bool) -> Results:
    """Raises TameFlareError where ours, or the direct way, fails; others' failures are in the results."""
    results = Results(machine.describe(), "", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", rounds, quick)
    with opened() as site, ExitStack() as stack:
        say("starting")
        ways = list(_started(names, site, stack, results))
        site.plant.settle()
        results.noise = machine.noise(NOISE_SECONDS)
        _measure(ways, site, scale, results)
        site.plant.settle()
        site.plant.check_records()
        results.requests_on_record = site.plant.rows()
    return results


def _started(names: Collection[str], site: Site, stack: ExitStack, results: Results) -> Iterator[Way]:
    first = stack.enter_context(direct.running(site))
    body = proof.answer(first, HOST, unverified())
    yield _proven(first, body, results)
    for name in names:
        try:
            way = stack.enter_context(PEERS[name](site))
        except Missing as missing:
            results.missing.append(f"{name} is left out: {missing}.")
            say(results.missing[-1])
        else:
            yield _proven(way, body, results)
    for way in ours.ways(site):
        yield _proven(way, body, results)


def _proven(way: Way, body: bytes, results: Results) -> Way:
    proof.prove(way, body)
    results.peers.append(Peer(way.name, way.about, proof.verifies(way)))
    return way


def _measure(ways: list[Way], site: Site, scale: Scale, results: Results) -> None:
    """Each figure of all ways one right after the other, in every round."""
    program = site.plant.programs["load"]
    for number in range(results.rounds):
        for title, figure in of_round(number):
            for way in ways:
                try:
                    found = figure(way, program, scale)
                except (TameFlareError, OSError) as fault:
                    _note(way, title, number, fault, results)
                    continue
                finally:
                    _rest(way)
                results.add(way.name, number, found)
                say(
                    f"  round {number + 1}, {title}: {way.name}: "
                    + ", ".join(f"{k} {v:,.2f}" for k, v in found.items())
                )


def _rest(way: Way) -> None:
    """Wait until nothing is left to do, closing connections among it, so that the next one has the core for itself."""
    way.settle()
    for _ in range(MOST_RESTS):
        before = way.cpu_seconds()
        threading.Event().wait(REST_SECONDS)
        if way.cpu_seconds() - before < REST_SECONDS * BUSY:
            return


def _note(way: Way, title: str, number: int, fault: Exception, results: Results) -> None:
    """A peer that cannot do it is a result; ours that cannot is none."""
    if way.name == "direct" or way.name.startswith(ours.NAME):
        raise fault
    why = str(fault).partition("; the measurement")[0]
    results.faults.append(f"{way.name}, {title}, round {number + 1}: {why}")
    say(results.faults[-1])
