"""Names of fields as they are written."""

from __future__ import annotations

import re
from typing import Final

from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.field_names import CLOCK, FIXED, OPEN, PREFIX
from tameflare.core.policy.model import Operator
from tameflare.core.policy.nodes import Faults, Node

_PATH: Final = re.compile(r"[^\s.]+(?:\.[^\s.]+)*")
_DEEPEST: Final = 16
_GROUPS: Final = frozenset(name.partition(".")[0] for name in FIXED if "." in name)
_INSTEAD: Final = {
    "params": "parameters",
    "param": "parameters",
    "args": "parameters",
    "body": "parameters",
    "action": "type",
    "action_type": "type",
    "action.type": "type",
    "environment": "agent.environment",
    "agent": "agent.name",
    "host": "request.host",
    "path": "request.path",
    "method": "request.method",
    "hour": "time.hour",
    "risk_level": "risk",
}
_EXAMPLES: Final = {
    "parameters": "parameters.amount",
    "resource": "resource.owner",
    "risk_hints": "risk_hints.bulk",
}


def field_name(node: Node, written: str, operator: Operator | None, faults: Faults) -> str:
    """The bare name of a field; empty where there is none, which was then told."""
    name = written.removeprefix(PREFIX)
    message, help_ = _fault(name, operator)
    if message:
        faults.add(node, message, help_)
        return ""
    return name


def _fault(name: str, operator: Operator | None) -> tuple[str, str]:
    clock = operator is Operator.TIME_BETWEEN
    if name == CLOCK:
        return ("", "") if clock or operator is None else ("`time` is compared by `time_between` only", _CLOCK_HELP)
    if clock:
        return f"`time_between` does not compare {quoted(name)}", "remove `field`, or write `time`"
    if name in FIXED:
        return "", ""
    if not _PATH.fullmatch(name):
        return f"{quoted(name)} is no name of a field", "write words between dots, as `parameters.amount`"
    first, _, rest = name.partition(".")
    if first in OPEN and rest:
        return _too_deep(name)
    return f"no field {quoted(name)}", _advice(name, first, rest)


_CLOCK_HELP: Final = "write the operator `time_between`, or a field such as `time.hour`"


def _too_deep(name: str) -> tuple[str, str]:
    if name.count(".") < _DEEPEST:
        return "", ""
    return f"{quoted(name)} is more than {_DEEPEST} deep", "no action has such a field"


def _advice(name: str, first: str, rest: str) -> str:
    if first in OPEN:
        return f"say which, as `{_EXAMPLES[first]}`"
    if name in _INSTEAD:
        better = _INSTEAD[name]
        return f"did you mean `{_EXAMPLES.get(better, better)}`?"
    if rest and first in _INSTEAD and _INSTEAD[first] in OPEN:
        return f"did you mean `{_INSTEAD[first]}.{rest}`?"
    if rest and first not in _GROUPS:
        roots = {*OPEN, *_GROUPS}
        better = meant(first, roots, "fields of an action's own begin with `parameters.` or `resource.`")
        return better.replace("`?", f".{rest}`?") if better.startswith("did") else better
    otherwise = f"did you mean `parameters.{name}`?" if not rest else ""
    return meant(name, (each for each in FIXED if not rest or each.startswith(f"{first}.")), otherwise)
