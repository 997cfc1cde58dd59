"""`python -m bench.api`: the decision API of a real server. docs/performance.md says how and why."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from bench.api import keys, load
from bench.api.intake import taking_in
from bench.api.load import Found, Job
from bench.api.plant import Plant, running
from bench.cells import cell
from tameflare.core.errors import TameFlareError

CONNECTIONS = 64
ROWS_PER_SECOND = 5_000
HALF_OF_THE_GOAL = 1_500
NOISE_SECONDS = 2.0
Figures = dict[str, list[float]]


@dataclass(frozen=True)
class Scale:
    seconds: float = 6.0
    warmup: float = 1.5


def main() -> int:
    asked = _arguments()
    scale, rounds = (Scale(1.0, 0.5), 1) if asked.quick else (Scale(), asked.rounds)
    figures: Figures = {}
    try:
        with running() as plant:
            noise = machine.noise(NOISE_SECONDS)
            answers = sum(_round(plant, scale, number, figures) for number in range(rounds))
            if plant.recorded() < answers:
                raise TameFlareError(f"{answers} decisions were answered and {plant.recorded()} are on record")
        for _ in range(rounds):
            _keys(figures, plant.cores)
    except TameFlareError as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    print(f"{machine.describe()}; {noise}; {rounds} rounds; {answers:,} decisions on record\n")
    print("| | |\n|---|---|")
    for name, values in figures.items():
        print(f"| {name} | {cell(values)} |")
    if asked.json is not None:
        about = {"machine": machine.describe(), "noise": noise, "decisions_on_record": answers, "figures": figures}
        asked.json.write_text(json.dumps(about, indent=1) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast it is")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value of every round there")
    return parser.parse_args()


def _round(plant: Plant, scale: Scale, number: int, figures: Figures) -> int:
    """Every figure once; how many decisions were answered."""
    answers = 0
    for name, value, found in _measured(plant, scale, number):
        figures.setdefault(name, []).append(value)
        print(f"  round {number + 1}: {name}: {value:,.2f}", file=sys.stderr, flush=True)
        answers += found.all_answers if found else 0
    return answers


def _measured(plant: Plant, scale: Scale, number: int) -> Iterator[tuple[str, float, Found | None]]:
    """Figures with what was found, which counts once."""
    for idempotent in (False, True):
        job = Job(plant.port, plant.key, CONNECTIONS, scale.seconds, scale.warmup, 0.0, idempotent, f"r{number}")
        with_keys = " with an idempotency key each" if idempotent else ""
        before = sum(machine.cpu_seconds(plant.pid))
        found = load.run(job, plant.cores)
        cpu = (sum(machine.cpu_seconds(plant.pid)) - before) / found.all_answers * 1e6
        yield f"decisions/s{with_keys}, {CONNECTIONS} connections", found.per_second, found
        yield f"CPU of the server per decision{with_keys}, µs", cpu, None
    with taking_in(plant, ROWS_PER_SECOND) as intake:
        before, rows, begin = sum(machine.cpu_seconds(plant.pid)), intake.sent, time.monotonic()
        half = Job(plant.port, plant.key, CONNECTIONS, scale.seconds, scale.warmup, HALF_OF_THE_GOAL)
        found = load.run(half, plant.cores)
        cpu = sum(machine.cpu_seconds(plant.pid)) - before
        rows, seconds = intake.sent - rows, time.monotonic() - begin
    beside = f"at {HALF_OF_THE_GOAL:,}/s beside {ROWS_PER_SECOND:,} traffic rows/s"
    yield f"time of a decision {beside}: p50, ms", found.quantile(0.5), found
    yield f"time of a decision {beside}: p99, ms", found.quantile(0.99), None
    yield f"the server's core is busy {beside}, %", cpu / seconds * 100, None
    yield "traffic rows/s that came in meanwhile", rows / seconds, None


def _keys(figures: Figures, cores: machine.Cores) -> None:
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores.proxy)
    try:
        first, later = keys.costs()
    finally:
        os.sched_setaffinity(0, own)
    figures.setdefault("a key, the first time (bcrypt), ms", []).append(first)
    figures.setdefault("a key that is known, µs", []).append(later)


if __name__ == "__main__":
    sys.exit(main())
