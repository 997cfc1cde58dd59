"""Sets of rules and the requests that they are asked about.

A rule forbids a type of action where an amount is above a limit and a word is, or is not, another word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

PER_TYPE: Final = 10


@dataclass(frozen=True)
class Rule:
    """`word` is what the currency must not be, or, where `told_apart`, what the customer must be."""

    type: str
    limit: int
    word: str
    told_apart: bool = False


@dataclass(frozen=True)
class Request:
    type: str
    amount: int
    currency: str
    customer: str


@dataclass(frozen=True)
class RuleSet:
    """`denied` is a request that one of the rules matches, `passed` one that none matches."""

    name: str
    rules: Sequence[Rule]
    denied: Request
    passed: Request


def ten_of_each_type(size: int) -> RuleSet:
    """Ten rules can match an action, and nothing but their tests tells them apart; the others are for other types."""
    rules = [
        Rule(f"vendor.resource{number // PER_TYPE}.create", 100 * (number % PER_TYPE + 1), f"x{number % PER_TYPE}")
        for number in range(size)
    ]
    denied = Request(rules[0].type, 150, "usd", "c0")
    return RuleSet("ten rules of each type", rules, denied, Request(rules[0].type, 50, "usd", "c0"))


def one_per_customer(size: int) -> RuleSet:
    """All rules are for one type, each for another customer."""
    rules = [Rule("vendor.resource.create", 100, f"c{number}", True) for number in range(size)]
    middle = f"c{size // 2}"
    denied = Request(rules[0].type, 150, "usd", middle)
    return RuleSet("one rule for each customer", rules, denied, Request(rules[0].type, 50, "usd", middle))


SHAPES: Final[Sequence[Callable[[int], RuleSet]]] = (ten_of_each_type, one_per_customer)
