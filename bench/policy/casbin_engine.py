"""Casbin in Python. Its values are texts, so a function of its matcher makes numbers of limits.

Where two values tell rules apart, it is the enforcer that looks rules up by them; by a single value that one cannot.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from tempfile import NamedTemporaryFile
from typing import Final

import casbin

from bench.policy.engine import Ask, Engine
from bench.policy.sets import Request, Rule

_MODEL: Final = """
[request_definition]
r = type, amount, word
[policy_definition]
p = type, limit, word, eft
[policy_effect]
e = !some(where (p.eft == deny))
[matchers]
m = r.type == p.type && r.amount > number(p.limit) && r.word {sign} p.word
"""


def _load(rules: Sequence[Rule]) -> Callable[[Request], Ask]:
    logging.getLogger("casbin").setLevel(logging.ERROR)
    told_apart = rules[0].told_apart
    with NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(_MODEL.format(sign="==" if told_apart else "!="))
        file.flush()
        enforcer = casbin.FastEnforcer(file.name, cache_key_order=[0, 2]) if told_apart else casbin.Enforcer(file.name)
    enforcer.add_function("number", int)
    for rule in rules:
        enforcer.get_model().add_policy("p", "p", [rule.type, str(rule.limit), rule.word, "deny"])

    def prepare(request: Request) -> Ask:
        word = request.customer if told_apart else request.currency
        return lambda: not enforcer.enforce(request.type, request.amount, word)

    return prepare


ENGINE: Final = Engine("casbin", _load)
