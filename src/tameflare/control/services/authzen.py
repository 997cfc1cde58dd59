"""A question in the form of AuthZEN, read into one of ours with every fault at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tameflare.connectors.faults import Unreadable
from tameflare.connectors.strict_json import parse_json
from tameflare.control.services import action_questions
from tameflare.control.services.action_questions import Question, check_key
from tameflare.control.services.faults import Fault, Invalid

__all__ = ["SUBJECT", "Asked", "check_key", "read"]
SUBJECT: Final = "agent"
_REQUIRED: Final = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
_HINTS: Final = "risk_hints"


class Asked(NamedTuple):
    """`subject` is the id of the agent that it is about."""

    subject: str
    asked: Question


def read(body: bytes) -> Asked:
    """Raises Invalid with everything that is wrong. What the standard does not know is ignored."""
    try:
        sent = parse_json(body)
    except Unreadable as fault:
        raise Invalid([Fault("", fault.message, "send one JSON object in UTF-8, each name once")]) from None
    if not isinstance(sent, dict):
        raise Invalid([Fault("", "the body is no JSON object", "send `subject`, `action` and `resource`")])
    faults = list(_faults(sent))
    if faults:
        raise Invalid(faults)
    faults = list(_twice(sent))
    if faults:
        raise Invalid(faults)
    return Asked(sent["subject"]["id"], _question(sent))


def _question(sent: dict[str, Any]) -> Question:
    action, resource, context = sent["action"], sent["resource"], dict(sent.get("context", {}))
    hints = context.pop(_HINTS, {})
    wanted = {
        "type": action["name"],
        "resource": {**resource.get("properties", {}), "type": resource["type"], "id": resource["id"]},
        "parameters": {**context, **action.get("properties", {})},
        "risk_hints": hints,
    }
    return action_questions.of(wanted, ())


def _faults(sent: dict[str, Any]) -> Iterator[Fault]:
    for part, names in _REQUIRED.items():
        found = sent.get(part)
        if not isinstance(found, dict):
            yield Fault(part, "this is missing" if part not in sent else "this is no object", "see the standard")
            continue
        for name in names:
            if not isinstance(found.get(name), str):
                yield Fault(f"{part}.{name}", "this is no text", "see the standard")
        if not isinstance(found.get("properties", {}), dict):
            yield Fault(f"{part}.properties", "this is no object", 'write it as `{"name": value}`')
    if not isinstance(sent.get("context", {}), dict):
        yield Fault("context", "this is no object", 'write it as `{"name": value}`')
    subject = sent.get("subject")
    if isinstance(subject, dict) and isinstance(subject.get("type"), str) and subject["type"] != SUBJECT:
        yield Fault("subject.type", "only agents ask here", f"send `{SUBJECT}`")


def _twice(sent: dict[str, Any]) -> Iterator[Fault]:
    """What stands in two places could be read as either."""
    context, parameters = sent.get("context", {}), sent["action"].get("properties", {})
    for name in sorted(context.keys() & parameters.keys()):
        yield Fault(f"context.{name}", "`action.properties` has this too", "say it once")
    for name in ("type", "id"):
        if name in sent["resource"].get("properties", {}):
            yield Fault(f"resource.properties.{name}", "the resource has this itself", "say it once")
