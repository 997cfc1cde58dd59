"""Records as questions to the judge: where they came from, what they did, what was said of it then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from tameflare.connectors import asked
from tameflare.control.services.action_judging import Judging, Place
from tameflare.control.services.action_questions import Question
from tameflare.control.services.replay_facts import Reader, request_facts
from tameflare.control.store.actions import StoredAction
from tameflare.core.action import Action
from tameflare.core.compile import CompiledAgent, CompiledConfiguration, CompiledConnector, CompiledGateway
from tameflare.core.decision import Decision, Reason, Verdict
from tameflare.core.policy.facts import Circumstances
from tameflare.link.messages import RecordedAction

_HELD: Final = frozenset(
    {
        Reason.APPROVAL_DENIED,
        Reason.APPROVAL_TIMEOUT,
        Reason.APPROVAL_EXPIRED,
        Reason.APPROVAL_SPENT,
        Reason.APPROVAL_UNREACHABLE,
        Reason.APPROVALS_UNAVAILABLE,
        Reason.TOO_MANY_APPROVALS,
        Reason.BODY_TOO_LARGE_TO_HOLD,
        Reason.APPROVAL_REQUIRED,
        Reason.APPROVED,
        Reason.REMEMBERED,
    }
)
"""What followed where people were asked."""
_JUDGED: Final = _HELD | {
    Reason.RULE_ALLOW,
    Reason.UNWRITTEN_ALLOWED,
    Reason.POLICY_ALLOW,
    Reason.MONITORED,
    Reason.RULE_DENY,
    Reason.POLICY_DENY,
    Reason.NO_RULE,
    Reason.NO_POLICY,
    Reason.TOTAL_UNAVAILABLE,
    Reason.ENGINE_ERROR,
}
PROXY: Final = "proxy"
API: Final = "api"
_decoder: Final = msgspec.json.Decoder(tuple[RecordedAction, ...])


class Recorded(msgspec.Struct, frozen=True):
    """A record as people know it again. `road` is PROXY or API; names as they are now; `what` is the request, or
    empty."""

    road: str
    id: str
    time: float
    gateway: str
    agent: str
    connector: str
    action: str
    what: str


class Case(msgspec.Struct, frozen=True):
    """One record; `was` is what rules and policies said then."""

    recorded: Recorded
    was: str
    gateway: CompiledGateway
    agent: CompiledAgent
    connector: CompiledConnector
    actions: Sequence[Action]
    circumstances: Circumstances


class Left(msgspec.Struct, frozen=True):
    """A record that cannot be judged once more, and why."""

    reason: str


def cases_of_requests(configuration: CompiledConfiguration, rows: Sequence[Mapping[str, Any]]) -> Iterator[Case | Left]:
    """Of the traffic record, oldest first."""
    reader = Reader()
    for row in rows:
        try:
            yield _of_request(configuration, row, reader)
        except (ValueError, msgspec.MsgspecError):
            yield Left("it was written by another version, and cannot be read")


def _of_request(configuration: CompiledConfiguration, row: Mapping[str, Any], reader: Reader) -> Case | Left:
    recorded = _decoder.decode(row["actions"] or "[]")
    if not recorded or row["reason"] not in _JUDGED:
        return Left(row["reason"] or "not judged")
    gateway = configuration.gateways.get(row["gateway"])
    agent = None if gateway is None else gateway.agents_by_id.get(row["agent"])
    connector = None if gateway is None else gateway.connectors.get(row["connector"])
    if gateway is None or agent is None or connector is None:
        return Left("its gateway, agent or connector is gone")
    what = f"{row['method']} {row['host']}{row['path']}"
    return Case(
        Recorded(PROXY, row["request_id"], row["time"], gateway.name, agent.name, connector.name, row["action"], what),
        _was(row["reason"], row["would_be"]),
        gateway,
        agent,
        connector,
        reader.actions(row, recorded, connector.config),
        Circumstances(row["time"], request_facts(row)),
    )


def _was(reason: str, would_be: str) -> str:
    return Verdict.REQUIRES_APPROVAL.value if reason in _HELD else would_be


def cases_of_actions(
    configuration: CompiledConfiguration, found: Sequence[StoredAction], judging: Judging
) -> Iterator[Case | Left]:
    """Of what agents asked for by the decision API, all of which is stored. `judging` finds their connectors."""
    for stored in found:
        yield _of_action(configuration, stored, judging)


def _of_action(configuration: CompiledConfiguration, stored: StoredAction, judging: Judging) -> Case | Left:
    gateway = configuration.gateways.get(stored.gateway_id)
    agent = None if gateway is None else gateway.agents_by_id.get(stored.agent_id)
    if gateway is None or agent is None:
        return Left("its gateway, agent or connector is gone")
    connector = judging.find_connector(Place(configuration, gateway, agent), _question(stored))
    if isinstance(connector, Decision):
        return Left(connector.reason.value)
    action = asked.action(stored.type, stored.resource, stored.parameters)
    return Case(
        Recorded(API, stored.id, stored.created_at, gateway.name, agent.name, connector.name, stored.type, ""),
        _was(stored.reason, stored.would_be.value),
        gateway,
        agent,
        connector,
        (asked.raised(action, stored.risk_hints.get("risk")),),
        Circumstances(stored.created_at, None, stored.risk_hints),
    )


def _question(stored: StoredAction) -> Question:
    return Question(
        stored.type,
        stored.resource,
        stored.parameters,
        stored.risk_hints,
        stored.connector,
        "",
        stored.spec_hash,
        stored.body_hash,
    )
