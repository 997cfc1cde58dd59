"""Three values, exhaustively: what parts come to, asked one by one, all at once, or with some known beforehand."""

from __future__ import annotations

from itertools import product

import pytest

from tameflare.core.policy import model, trees
from tameflare.core.policy.fields import NO_FACTS, Seen
from tameflare.core.policy.model import Operator
from tameflare.core.policy.truth import ERROR, Truth, all_of, always, any_of, negated

TRUTHS: tuple[Truth, ...] = (True, False, ERROR)
ROWS = [row for width in range(4) for row in product(TRUTHS, repeat=width)]
NOTHING = Seen(NO_FACTS, {})
JOINED = {trees.ALL: trees.both, trees.ANY: trees.either}


def expected(kind: str, row: tuple[Truth, ...]) -> Truth:
    decisive = kind == trees.ANY
    if decisive in row:
        return decisive
    return ERROR if ERROR in row else not decisive


def leaf(truth: Truth) -> trees.Leaf:
    return trees.Leaf(model.Test("parameters.a", Operator.EXISTS), "parameters.a", always(truth))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_all_and_any_of_parts(row: tuple[Truth, ...]) -> None:
    checks = [always(truth) for truth in row]
    assert all_of(checks)(NOTHING) is expected(trees.ALL, row)
    assert any_of(checks)(NOTHING) is expected(trees.ANY, row)


@pytest.mark.parametrize(("truth", "opposite"), [(True, False), (False, True), (ERROR, ERROR)])
def test_not(truth: Truth, opposite: Truth) -> None:
    assert negated(always(truth))(NOTHING) is opposite
    one = leaf(truth)
    assert trees.Branch(trees.NOT, [one]).check(NOTHING) is opposite
    assert trees.fold(trees.Branch(trees.NOT, [one]), {one: truth}).check(NOTHING) is opposite


@pytest.mark.parametrize("kind", JOINED)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_whatever_is_known_beforehand_the_answer_is_the_same(kind: str, row: tuple[Truth, ...]) -> None:
    parts = [leaf(truth) for truth in row]
    for known in product((True, False), repeat=len(row)):
        answers = {part: truth for part, truth, is_known in zip(parts, row, known, strict=True) if is_known}
        left = trees.fold(trees.Branch(kind, parts), answers)
        assert left.check(NOTHING) is expected(kind, row)
        assert not set(trees.leaves(left)) & answers.keys()


def test_what_is_decided_is_asked_no_more() -> None:
    first, second = leaf(True), leaf(ERROR)
    assert trees.fold(trees.Branch(trees.ALL, [first, second]), {first: False}) is trees.FALSE
    assert trees.fold(trees.Branch(trees.ANY, [first, second]), {first: True}) is trees.TRUE
    assert trees.fold(trees.Branch(trees.ALL, [first, second]), {first: True}) is second
    nested = trees.Branch(trees.ALL, [first, trees.Branch(trees.ALL, [second])])
    assert trees.fold(nested, {}).parts == (first, second)
