"""Cedar, by cedarpy: a `forbid` for each rule beside one `permit`, parsed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import cedarpy

from bench.policy.engine import Ask, Engine
from bench.policy.sets import Request, Rule


def _written(rule: Rule) -> str:
    word = f'context.customer == "{rule.word}"' if rule.told_apart else f'context.currency != "{rule.word}"'
    condition = f"context.amount > {rule.limit} && {word}"
    return f'forbid(principal, action == Action::"{rule.type}", resource) when {{ {condition} }};'


def _load(rules: Sequence[Rule]) -> Callable[[Request], Ask]:
    text = "\n".join(["permit(principal, action, resource);", *map(_written, rules)])
    policies, entities = cedarpy.PolicySet.from_str(text), cedarpy.Entities.from_json_str("[]")

    def prepare(request: Request) -> Ask:
        asked = {
            "principal": 'Agent::"bot"',
            "action": f'Action::"{request.type}"',
            "resource": 'Resource::"r"',
            "context": {"amount": request.amount, "currency": request.currency, "customer": request.customer},
        }
        return lambda: cedarpy.is_authorized(asked, policies, entities).decision is cedarpy.Decision.Deny

    return prepare


ENGINE: Final = Engine("cedarpy", _load)
