"""A policy as values, after it was read and before it is compiled.

A policy has a scope and rules; a rule has one condition, which may be put together of others. Field names stand in
their bare spelling here: `parameters.amount`, never `action_spec.parameters.amount`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from tameflare.core.approval import Requirement
from tameflare.core.decision import Verdict

MAX_DEPTH: Final = 16


class Operator(StrEnum):
    """What a test compares with; docs/reference/policies.md has an example of each."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    MATCHES = "matches"
    GREATER_THAN = "greater_than"
    GREATER_THAN_OR_EQUAL = "greater_than_or_equal"
    LESS_THAN = "less_than"
    LESS_THAN_OR_EQUAL = "less_than_or_equal"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"
    BETWEEN = "between"
    GLOB = "glob"
    CIDR = "cidr"
    TIME_BETWEEN = "time_between"


class TotalBy(StrEnum):
    """Whose actions a running total adds up."""

    AGENT = "agent"
    GATEWAY = "gateway"
    CONNECTOR = "connector"
    ALL = "all"


class Total(msgspec.Struct, frozen=True):
    """A running total: the sum of `field` over what was let through in the last `window` seconds, this one included.

    `of` is the rule that it belongs to, `POLICY:RULE`, once it is compiled: each rule has totals of its own.
    """

    field: str
    window: int
    by: TotalBy = TotalBy.AGENT
    of: str = ""


class Test(msgspec.Struct, frozen=True, tag="test"):
    """One comparison. `field` is a path such as `parameters.amount`, or empty where `total` is compared instead.

    `value` is what the operator takes: a scalar, a list (`in`, `between`, `cidr`), or for `time_between` a
    core.policy.windows.Window. `line` is where it stands in the source, for explanations.
    """

    field: str
    operator: Operator
    value: Any = None
    total: Total | None = None
    line: int = 0


class All(msgspec.Struct, frozen=True, tag="all"):
    parts: tuple[Condition, ...]


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    parts: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    part: Condition


Condition = Test | All | AnyOf | Not
ALWAYS: Final = All(())
"""The condition of a rule that has none: it always holds."""


class Scope(msgspec.Struct, frozen=True):
    """What a policy is about; an empty part means all. `agents`, `gateways`, `connectors` are globs over names,
    `action_types` patterns as access rules have them, `environments` words."""

    agents: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    action_types: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()


EVERYTHING: Final = Scope()


class Rule(msgspec.Struct, frozen=True):
    """`approval` says who must agree where the decision is to ask; None: anybody who may. `risk_score` is 0 to 100."""

    name: str
    condition: Condition
    decision: Verdict
    reason: str = ""
    risk_score: int | None = None
    approval: Requirement | None = None
    line: int = 0


class Policy(msgspec.Struct, frozen=True):
    """`priority` orders reasons only, lower first."""

    name: str
    rules: tuple[Rule, ...]
    description: str = ""
    enabled: bool = True
    priority: int = 100
    scope: Scope = EVERYTHING
