"""`python -m tests.fuzz --seconds N`: try mutated inputs for a while, and keep what fails.

Inputs that reach new lines join the ones to be mutated; `--keep` also writes the smaller ones into `corpus/`.
Ends with 1 where something failed; what failed stands in `corpus/<target>/crash-…` and is tried by every test run.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import sys
import time

from tests.fuzz.covered import Coverage
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import CORPUS, TARGETS, corpus, failure

LARGEST_KEPT = 2000
MOST_KEPT = 40
MOST_GROWTH = 200 << 20


def save(name: str, kind: str, data: bytes) -> str:
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return path.name


def fuzz(name: str, seconds: float, rng: random.Random, *, keep: bool) -> int:
    """How many inputs failed."""
    coverage, failed, tried, kept = Coverage(), 0, 0, 0
    known = sorted({*corpus(name).values(), *seeds()[name]})
    for data in known:
        _, new = coverage.of(failure, name, data)
        if new and keep:
            save(name, "kept", data)
    until = time.monotonic() + seconds
    while time.monotonic() < until and failed < 10:
        data, tried = mutated(rng, known), tried + 1
        # most of the time without tracing, which is many times faster
        found, new = coverage.of(failure, name, data) if tried % 4 == 0 else (failure(name, data), False)
        if found:
            failed += 1
            print(f"{name}: {save(name, 'crash', data)}\n{found}")
        elif new:
            known.append(data)
            if keep and len(data) <= LARGEST_KEPT and kept < MOST_KEPT:
                kept += 1
                save(name, "kept", data)
    print(f"{name}: {tried} inputs, {len(known)} known, {len(coverage.seen)} steps between lines, {failed} failed")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--target", choices=list(TARGETS), action="append", help="only these")
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--keep", action="store_true", help="write inputs that reach new lines into the corpus")
    chosen = parser.parse_args()
    sys.unraisablehook = lambda _: None  # Python's ssl complains there about server names that are not ASCII
    print(f"seed {chosen.seed}")
    failed = 0
    for name in chosen.target or TARGETS:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        failed += fuzz(name, chosen.seconds, random.Random(chosen.seed), keep=chosen.keep)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before > MOST_GROWTH:
            failed += 1
            print(f"{name}: memory grew by more than {MOST_GROWTH >> 20} MB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
