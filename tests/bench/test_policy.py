"""The engines that are compared decide alike on every set of rules, and the tables have a figure for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest
from bench.policy.__main__ import Values, engines, measure, table
from bench.policy.sets import SHAPES, RuleSet


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 25])
def test_all_engines_agree(shape: Callable[[int], RuleSet], size: int) -> None:
    rules = shape(size)
    for engine in engines():
        prepare = engine.load(rules.rules)
        assert prepare(rules.denied)() is True, engine.name
        assert prepare(rules.passed)() is False, engine.name


def test_every_engine_has_its_figure_for_each_size() -> None:
    values: Values = defaultdict(list)
    for size in (1, 20):
        measure(SHAPES[0](size), rounds=2, seconds=0.001, values=values)
    head, _, *lines = table(values, "ten rules of each type", "a rule matches, µs").split("\n")
    assert head == "| ten rules of each type: a rule matches, µs | 1 | 20 |"
    assert [line.split(" | ")[0] for line in lines] == [f"| {engine.name}" for engine in engines()]
    assert all(" to " in cell for line in lines for cell in line.split(" | ")[1:])
    assert table(values, "ten rules of each type", "explained, µs").count("\n") == 2
