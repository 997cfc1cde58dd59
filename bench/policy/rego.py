"""Rego, by regorus, Microsoft's engine in Rust.

Once with a rule for each, and once with the same as data that one rule goes through: how such sets are made fast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import regorus

from bench.policy.engine import Ask, Engine
from bench.policy.sets import Request, Rule

_ENTRY: Final = "data.policies.denied"
_HEAD: Final = "package policies\nimport rego.v1\n"
_OF_A_FILE: Final = 1000  # a file has at most a megabyte
_BY_DATA: Final = """\
denied contains rule.name if {{
    some rule in data.rules[input.type]
    input.amount > rule.limit
    input.{field} {sign} rule.word
}}
"""


def _written(number: int, rule: Rule) -> str:
    field, sign = _third(rule)
    tests = f'input.type == "{rule.type}"; input.amount > {rule.limit}; input.{field} {sign} "{rule.word}"'
    return f'denied contains "r{number}" if {{ {tests} }}'


def _third(rule: Rule) -> tuple[str, str]:
    return ("customer", "==") if rule.told_apart else ("currency", "!=")


def _rules(rules: Sequence[Rule]) -> Callable[[Request], Ask]:
    engine = regorus.Engine()
    written = [_written(number, rule) for number, rule in enumerate(rules)]
    for begin in range(0, len(written), _OF_A_FILE):
        engine.add_policy(f"policies-{begin}.rego", _HEAD + "\n".join(written[begin : begin + _OF_A_FILE]))
    return _prepare(engine)


def _data(rules: Sequence[Rule]) -> Callable[[Request], Ask]:
    field, sign = _third(rules[0])
    by_type: dict[str, list[dict[str, Any]]] = {}
    for number, rule in enumerate(rules):
        by_type.setdefault(rule.type, []).append({"name": f"r{number}", "limit": rule.limit, "word": rule.word})
    engine = regorus.Engine()
    engine.add_policy("policies.rego", _HEAD + _BY_DATA.format(field=field, sign=sign))
    engine.add_data({"rules": by_type})
    return _prepare(engine)


def _prepare(engine: Any) -> Callable[[Request], Ask]:
    def prepare(request: Request) -> Ask:
        asked = vars(request)

        def ask() -> bool:
            engine.set_input(asked)
            return bool(engine.eval_rule(_ENTRY))

        return ask

    return prepare


ENGINES: Final = (Engine("regorus", _rules), Engine("regorus, rules as data", _data))
