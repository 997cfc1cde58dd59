"""The verdict on what an agent asks: the one judge, on the newest configuration of this installation."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from tameflare.connectors import asked
from tameflare.connectors.asked import CUSTOM
from tameflare.control.services.action_questions import Question
from tameflare.control.services.context import Context
from tameflare.core.action import Action, Risk
from tameflare.core.approval import covering
from tameflare.core.compile import CompiledAgent, CompiledConfiguration, CompiledConnector, CompiledGateway, Switches
from tameflare.core.config import ConnectorConfig, CredentialMode
from tameflare.core.decision import Decision, Reason, Verdict
from tameflare.core.judge import adds, at_level, judge, stop
from tameflare.core.killswitch import ScopeKind
from tameflare.core.policy.facts import Circumstances
from tameflare.core.policy.model import Total
from tameflare.core.ratelimit import RateWindow

SCORES: Final = {Risk.LOW: 20, Risk.MEDIUM: 50, Risk.HIGH: 80}
"""The score of an action for which no rule gives one."""
_UNCOUNTED: Final = 0


class Place(NamedTuple):
    """Where a question comes from: an agent of a gateway, in one version of the configuration."""

    configuration: CompiledConfiguration
    gateway: CompiledGateway
    agent: CompiledAgent


class Judged(NamedTuple):
    """`connector` is the instance's name; empty where there is none."""

    action: Action
    connector: str
    decision: Decision

    @property
    def risk_score(self) -> int:
        return self.decision.risk_score if self.decision.risk_score is not None else SCORES[self.action.risk]


class Judging:
    """Keeps the rate windows of this road: one for each agent."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self._steady = context.steady
        self._windows: dict[str, RateWindow] = {}
        self._implied: tuple[CompiledConfiguration | None, dict[tuple[str, str], CompiledConnector]] = (None, {})

    def judge(self, place: Place, question: Question) -> Judged:
        """The verdict, which counts towards the agent's rate. What compares running totals is an error to it."""
        window = self._windows.setdefault(place.agent.id, RateWindow())
        judged = self.weigh(place, question, window.advance(self._steady()))
        if judged.decision.charge_rate:
            window.charge()
        return judged

    def adds(self, place: Place, question: Question) -> dict[Total, Decimal]:
        """What the action adds to each running total that a rule compares which can match it; mostly nothing."""
        found = self.find_connector(place, question)
        if isinstance(found, Decision):
            return {}
        circumstances = Circumstances(self._clock(), None, question.risk_hints)
        return adds(place.gateway, place.agent, found, [_action(question)], circumstances)

    def weigh(
        self,
        place: Place,
        question: Question,
        rate_used: int = _UNCOUNTED,
        totals: Mapping[Total, Decimal] | None = None,
    ) -> Judged:
        """The verdict, which counts towards nothing. `rate_used` is how many requests are in the agent's window;
        `totals` are the running totals with this action, None where nobody looked."""
        action = _action(question)
        found = self.find_connector(place, question)
        if isinstance(found, Decision):
            stopped = stop(place.gateway, place.agent, None, rate_used)
            return Judged(action, "", stopped or found)
        now = self._clock()
        circumstances = Circumstances(now, None, question.risk_hints, totals)
        decision = judge(place.gateway, place.agent, found, (action,), rate_used, circumstances)
        if decision.verdict is Verdict.REQUIRES_APPROVAL:
            decision = _remembered(place, found, action, decision, now)
        return Judged(action, found.name, decision)

    def retry_after(self, agent_id: str, limit: int) -> int:
        """Seconds until one more request of the agent fits."""
        window = self._windows.get(agent_id)
        return window.retry_after(limit) if window is not None else 1

    def find_connector(self, place: Place, question: Question) -> CompiledConnector | Decision:
        """The instance that would carry the action out, or why there is none.

        The one that is named; else the one that is called like its type; else the only one of its type.
        """
        gateway, wanted = place.gateway, asked.connector_type(question.type)
        fitting = [found for found in gateway.connectors.values() if found.config.type == wanted]
        named = question.connector or wanted
        exact = next((found for found in fitting if found.name == named), None)
        if exact is not None:
            return exact
        if not question.connector and len(fitting) == 1:
            return fitting[0]
        if not fitting and named == wanted and (wanted == CUSTOM or gateway.config.policy_only):
            return self._implied_connector(place, wanted)
        return _no_connector(gateway, question, wanted, [found.name for found in fitting])

    def _implied_connector(self, place: Place, kind: str) -> CompiledConnector:
        """One that is there without having been made: it carries nothing out, and rules may name it."""
        if self._implied[0] is not place.configuration:
            self._implied = (place.configuration, {})
        known = self._implied[1]
        found = known.get((place.gateway.id, kind))
        if found is None:
            config = ConnectorConfig("", kind, kind, credential=CredentialMode.NONE)
            found = CompiledConnector(config, place.gateway.config.rules)
            found.killed_by = Switches(place.configuration.central).find(ScopeKind.CONNECTOR, kind)
            known[place.gateway.id, kind] = found
        return found


def _action(question: Question) -> Action:
    """At the risk that the agent says it has, if that is higher than it is known to be."""
    action = asked.action(question.type, question.resource, question.parameters)
    return asked.raised(action, question.risk_hints.get("risk"))


def _no_connector(gateway: CompiledGateway, question: Question, wanted: str, names: list[str]) -> Decision:
    if not question.connector and names:
        known = ", ".join(f"`{name}`" for name in sorted(names))
        message = f"several connectors could carry out `{question.type}`: name one of {known} in `connector`"
        return Decision(Verdict.DENY, Reason.CREDENTIAL_AMBIGUOUS, message)
    name = f" `{question.connector}`" if question.connector else ""
    message = f"gateway `{gateway.name}` has no connector{name} of type `{wanted}`"
    return at_level(gateway.level, Decision(Verdict.DENY, Reason.NO_CONNECTOR, message))


def _remembered(place: Place, connector: CompiledConnector, action: Action, decision: Decision, now: float) -> Decision:
    """The decision where people agreed earlier to whatever is like this."""
    memories = place.gateway.config.remembered
    found = covering(memories, place.agent.id, "", connector.name, (action,), now)
    if found is None:
        return decision
    matched = (*decision.matched, f"remembered:{found.id}")
    message = "people agreed to such requests"
    return Decision(
        Verdict.ALLOW, Reason.REMEMBERED, message, matched, decision.would_be, risk_score=decision.risk_score
    )
