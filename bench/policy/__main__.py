"""`python -m bench.policy [--rounds N] [--seconds S] [--sizes 1,10,…] [--json FILE]`."""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.cells import cell
from bench.policy import casbin_engine, cedar, ours
from bench.policy.engine import Engine
from bench.policy.sets import SHAPES, RuleSet, ten_of_each_type
from bench.policy.timing import microseconds
from tameflare.core.policy.facts import Circumstances

Values = dict[tuple[str, str, str, int], list[float]]
"""By set of rules, what is measured, engine and number of rules."""


def engines() -> list[Engine]:
    found = [ours.ENGINE, cedar.ENGINE, casbin_engine.ENGINE]
    if importlib.util.find_spec("regorus") is None:
        print("regorus is not installed and is left out: pip install celine-regorus", file=sys.stderr)
        return found
    from bench.policy import rego

    return [found[0], *rego.ENGINES, *found[1:]]


def measure(rules: RuleSet, rounds: int, seconds: float, values: Values) -> None:
    """All engines on one set, in turn within each round. They must agree before they are timed."""
    size, asked = len(rules.rules), {}
    for engine in engines():
        begun = time.thread_time()
        prepare = engine.load(rules.rules)
        values[rules.name, "load, ms", engine.name, size].append((time.thread_time() - begun) * 1e3)
        asked[engine.name] = (prepare(rules.denied), prepare(rules.passed))
        assert [ask() for ask in asked[engine.name]] == [True, False], f"{engine.name} decides otherwise"
    gc.collect()
    for _ in range(rounds):
        for name, (denied, passed) in asked.items():
            values[rules.name, "a rule matches, µs", name, size].append(microseconds(denied, seconds))
            values[rules.name, "no rule matches, µs", name, size].append(microseconds(passed, seconds))
    if not rules.rules[0].told_apart:
        _explanations(rules, rounds, seconds, values)


def _explanations(rules: RuleSet, rounds: int, seconds: float, values: Values) -> None:
    """What only ours has: the verdict with what each rule and each test came to."""
    found = ours.candidates(ours.compiled(rules.rules), rules.denied)
    facts = ours.facts(ours.action(rules.denied), Circumstances(1.0))
    for _ in range(rounds):
        spent = microseconds(lambda: found.explain(facts), seconds)
        values[rules.name, "explained, µs", "TameFlare", len(rules.rules)].append(spent)


def in_turn(sizes: list[int], rounds: int, seconds: float, values: Values) -> None:
    """Ours alone, one size after the other within each round: what the rules that cannot match cost."""
    shape = "TameFlare, sizes in turn"
    asked = {}
    for rules in (ten_of_each_type(size) for size in sizes):
        found = ours.candidates(ours.compiled(rules.rules), rules.denied)
        facts = ours.facts(ours.action(rules.denied), Circumstances(1.0))
        asked[len(rules.rules)] = (ours.ENGINE.load(rules.rules)(rules.denied), partial(found.explain, facts))
    gc.collect()
    for _ in range(rounds):
        for size, (verdict, explained) in asked.items():
            values[shape, "µs", "verdict", size].append(microseconds(verdict, seconds))
            values[shape, "µs", "verdict explained", size].append(microseconds(explained, seconds))


def table(values: Values, shape: str, what: str) -> str:
    """Engines by lines, numbers of rules by columns: the median of the rounds, and the lowest and highest."""
    sizes = sorted({size for name, asked, _, size in values if (name, asked) == (shape, what)})
    names = list(dict.fromkeys(engine for name, asked, engine, _ in values if (name, asked) == (shape, what)))
    head = f"| {shape}: {what} | {' | '.join(f'{size:,}' for size in sizes)} |"
    lines = [head, "|---" * (len(sizes) + 1) + "|"]
    for engine in names:
        cells = [cell(values[shape, what, engine, size]) for size in sizes]
        lines.append(f"| {engine} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.policy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="for one figure of one round")
    parser.add_argument("--sizes", default="1,10,100,1000,10000")
    parser.add_argument("--json", type=Path, help="a file for every value of every round")
    chosen = parser.parse_args()
    values: Values = defaultdict(list)
    sizes = list(map(int, chosen.sizes.split(",")))
    for size in sizes:
        for shape in SHAPES:
            measure(shape(size), chosen.rounds, chosen.seconds, values)
    in_turn(sizes, 4 * chosen.rounds, chosen.seconds / 4, values)
    for shape, what in dict.fromkeys((shape, what) for shape, what, _, _ in values):
        print(f"{table(values, shape, what)}\n")
    if chosen.json:
        every: list[dict[str, Any]] = [
            {"rules": shape, "figure": what, "engine": engine, "size": size, "values": found}
            for (shape, what, engine, size), found in values.items()
        ]
        chosen.json.write_text(json.dumps(every, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
