"""`python -m bench`: TameFlare against no TameFlare, in one run. docs/performance.md says how and why."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import machine, report, steps
from bench.figures import FIGURES, ONCE, Row, Scale
from bench.plant import Plant, running
from tameflare.core.errors import TameFlareError

NOISE_SECONDS = 3.0
QUICK = Scale(seconds=1.0, warmup=0.3, steady_seconds=2.0, transfer=20_000_000, tunnels=200)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast it is")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value of every round there")
    return parser.parse_args()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(plant: Plant, scale: Scale, rounds: int) -> list[Row]:
    """All rows of all rounds; direct and ours alternate, and no delivery of records runs into a figure."""
    rows: list[Row] = []
    for number in range(rounds):
        for figure in (*ONCE, *FIGURES) if number == 0 else FIGURES:
            plant.settle()
            found = figure(plant, scale)
            rows += found
            say(f"  round {number + 1}: {found[0].name}: {found[0].ours:,.2f} {found[0].unit}")
    plant.settle()
    plant.check_records()
    return rows


def cost_of_steps() -> list[tuple[str, float]]:
    """On the proxy's core, when the proxy is gone."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, machine.Cores.of_this_machine().proxy)
    try:
        with TemporaryDirectory() as directory:
            rig = steps.Rig(Path(directory) / "spool")
            rows = steps.step_costs(rig)
            rows.append(("all of these and the streaming between them, one request", steps.microseconds(rig.whole)))
            rows.append(("TLS: 1 KiB sealed, or opened", steps.tls_cost()))
            rig.spool.close()
            rig.upstream.ready.get_loop().close()
            return rows
    finally:
        os.sched_setaffinity(0, own)


def main() -> int:
    asked = arguments()
    scale, rounds = (QUICK, 1) if asked.quick else (Scale(), max(1, asked.rounds))
    try:
        say("starting the product and its upstream")
        with running() as plant:
            plant.settle()
            noise = machine.noise(NOISE_SECONDS)
            rows = measure(plant, scale, rounds)
            kept = plant.rows()
        found, costs = report.lines(rows), cost_of_steps()
    except TameFlareError as fault:
        say(f"bench: {fault}")
        return 1
    about = {"machine": machine.describe(), "noise": noise, "rounds": rounds, "requests_on_record": kept}
    print(f"{machine.describe()}; {noise}; {rounds} rounds; {kept:,} requests on record\n")
    print(report.table(found))
    print(report.steps_table(costs))
    if asked.json is not None:
        asked.json.write_text(json.dumps(report.as_json(found, costs, **about), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
