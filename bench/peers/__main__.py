"""`python -m bench.peers`: TameFlare against other proxies, in one run. docs/performance.md says how and why."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.peers import pages, report
from bench.peers.figures import FULL, QUICK
from bench.peers.results import Results
from bench.peers.run import PEERS, run
from tameflare.core.errors import TameFlareError

KEPT = Path(__file__).resolve().parents[1] / "results" / "peers.json"


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"`{name}` is none of {', '.join(PEERS)}")
    return names


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--only", type=_names, default=list(PEERS), metavar="PEERS", help=f"some of {','.join(PEERS)}")
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast it is")
    parser.add_argument("--json", type=Path, default=KEPT, metavar="FILE", help="where every value goes (%(default)s)")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing, take the values from there")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md and README.md")
    return parser.parse_args()


def _results(asked: argparse.Namespace) -> Results:
    if asked.show:
        return Results.load(asked.show)
    rounds = 1 if asked.quick else max(1, asked.rounds)
    found = run(asked.only, QUICK if asked.quick else FULL, rounds, quick=asked.quick)
    found.save(asked.json)
    return found


def main() -> int:
    asked = arguments()
    try:
        results = _results(asked)
        print(report.page(results))
        print(report.ratios(results))
        for path in pages.write(results) if asked.write else []:
            print(f"written: {path}", file=sys.stderr)
    except TameFlareError as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
