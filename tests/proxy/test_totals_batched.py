"""One message about totals at a time: what goes with the next, what is tried again, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tameflare.core.policy.model import Total
from tameflare.core.totals import Account
from tameflare.link.totals import MOST, Ask, Sums
from tameflare.proxy.totals import MOST_RELEASED, UNKNOWN, Found, Totals

DAY = Total("parameters.amount", 86_400)
ACCOUNT = Account("gtw", "agt", "stripe")


class Way:
    """To the control plane: keeps the question that is under way."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.replies: list[Callable[[Sums | None], None]] = []

    def totals(self, question: Ask, reply: Callable[[Sums | None], None]) -> None:
        assert not self.replies, "two at a time"
        self.asked.append(question)
        self.replies.append(reply)

    def answer(self, *sums: int | None) -> None:
        self.replies.pop()(Sums(tuple(None if one is None else (Decimal(one),) for one in sums)))

    def fail(self) -> None:
        self.replies.pop()(None)


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def totals(way: Way) -> Totals:
    return Totals(way)


def reserve(totals: Totals, name: str, amount: int, told: dict[str, Found], limit: int | None = None) -> None:
    """One that is refused, and says so, where the sum is over the limit."""

    def reply(found: Found) -> None:
        told[name] = found
        if limit is not None and found[DAY] > limit:
            totals.release(name)

    totals.reserve(name, ACCOUNT, {DAY: Decimal(amount)}, reply)


def test_what_is_asked_meanwhile_goes_with_the_next_message(way: Way, totals: Totals) -> None:
    told: dict[str, Found] = {}
    for name in "abc":
        reserve(totals, name, 5, told)
    totals.release("c")
    way.answer(5)
    assert [[wish.request_id for wish in asked.reserve] for asked in way.asked] == [["a"], ["b"]]
    assert way.asked[1].release == ("c",)
    way.answer(10)
    assert told == {"a": {DAY: 5}, "b": {DAY: 10}}
    assert not way.replies, "nothing is left to say"


def test_those_that_are_refused_are_taken_out_of_the_sums_behind_them(way: Way, totals: Totals) -> None:
    told: dict[str, Found] = {}
    reserve(totals, "first", 1, told)
    for name, amount in (("a", 60), ("b", 50), ("c", 40), ("d", 1)):
        reserve(totals, name, amount, told, limit=100)
    way.answer(1)
    way.answer(61, 111, 151, 152)
    assert [int(told[name][DAY]) for name in "abcd"] == [61, 111, 101, 62]
    assert way.asked[-1].release == ("b", "c")


def test_a_message_that_fails_is_taken_back_later_and_not_in_a_loop(way: Way, totals: Totals) -> None:
    told: dict[str, Found] = {}
    reserve(totals, "a", 5, told)
    totals.release("z")
    way.fail()
    assert told == {"a": UNKNOWN}
    assert len(way.asked) == 1
    totals.release("a")
    totals.sweep()
    assert set(way.asked[1].release) == {"a", "z"}
    way.fail()
    reserve(totals, "b", 5, told)
    assert set(way.asked[2].release) == {"a", "z"}
    reserve(totals, "c", 5, told)
    way.fail()
    assert [wish.request_id for wish in way.asked[3].reserve] == ["c"], "whoever waits is asked about"
    way.answer(5)
    assert told["c"] == {DAY: 5}


def test_an_answer_that_fits_no_question_tells_nothing(way: Way, totals: Totals) -> None:
    told: dict[str, Found] = {}
    reserve(totals, "a", 5, told)
    way.answer()
    assert told == {"a": UNKNOWN}
    reserve(totals, "b", 5, told)
    way.answer(None)
    assert told["b"] == UNKNOWN


def test_messages_are_bounded(way: Way, totals: Totals) -> None:
    told: dict[str, Found] = {}
    for number in range(MOST + 10):
        reserve(totals, f"r{number}", 1, told)
    for number in range(MOST_RELEASED + 10):
        totals.release(f"z{number}")
    way.answer(1)
    assert (len(way.asked[1].reserve), len(way.asked[1].release)) == (MOST, MOST)
    way.answer(*range(MOST))
    assert len(way.asked[2].reserve) == 9
