"""The judge: kill switch, rate, access rules, policies, enforcement level. Pure; one for every road.

Read `judge` from top to bottom: it is the order in which a request is decided. Deny wins; when in doubt, deny.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from tameflare.core import killswitch
from tameflare.core.access import AccessRule
from tameflare.core.action import Action
from tameflare.core.approval import ANYBODY, Requirement, together
from tameflare.core.compile import Applicable, CompiledAgent, CompiledConnector, CompiledGateway
from tameflare.core.decision import STRICTNESS, Decision, EnforcementLevel, Reason, Verdict
from tameflare.core.killswitch import KillSwitch
from tameflare.core.policy.facts import Circumstances, Facts
from tameflare.core.policy.model import Total
from tameflare.core.policy.verdict import SILENT, PolicyVerdict
from tameflare.core.totals import amounts

_ALLOW, _DENY, _ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL
REMEMBERED: Final = 4096
_UNWRITTEN: Final = (Reason.NO_RULE, Reason.NO_POLICY)
_NO_ACTION: Final = Decision(_DENY, Reason.ENGINE_ERROR, "the request could not be named")


def judge(
    gateway: CompiledGateway,
    agent: CompiledAgent,
    connector: CompiledConnector,
    actions: Sequence[Action],
    rate_used: int,
    circumstances: Circumstances,
) -> Decision:
    """Decide a request that stands for `actions` (the strictest verdict wins).

    `rate_used` is how many requests of this agent are in the window before this one.
    """
    stopped = stop(gateway, agent, connector, rate_used)
    if stopped is not None:
        return stopped
    return decide(gateway, agent, connector, actions, circumstances)


def decide(
    gateway: CompiledGateway,
    agent: CompiledAgent,
    connector: CompiledConnector,
    actions: Sequence[Action],
    circumstances: Circumstances,
) -> Decision:
    """What rules, policies and level say of the actions, for a request that nothing stops."""
    if not actions:
        return at_level(gateway.level, _NO_ACTION)
    if len(actions) == 1:
        return judge_action(gateway, agent, connector, actions[0], circumstances)
    return strictest([judge_action(gateway, agent, connector, action, circumstances) for action in actions])


def stop(
    gateway: CompiledGateway, agent: CompiledAgent, connector: CompiledConnector | None, rate_used: int
) -> Decision | None:
    """Kill switch and rate, which bite at every level and before any body is read."""
    switch = gateway.killed_by or agent.killed_by or (connector.killed_by if connector is not None else None)
    if switch is not None:
        return killed(switch)
    if rate_used >= gateway.rate_limit:
        return Decision(
            _DENY,
            Reason.RATE_LIMITED,
            f"more than {gateway.rate_limit} requests a minute",
            matched=(f"rate:{gateway.name}",),
            charge_rate=False,
        )
    return None


def killed(switch: KillSwitch) -> Decision:
    return Decision(
        _DENY,
        Reason.KILL_SWITCH_ACTIVE,
        killswitch.MESSAGE,
        matched=(switch.label,),
        charge_rate=False,
    )


def judge_action(
    gateway: CompiledGateway,
    agent: CompiledAgent,
    connector: CompiledConnector,
    action: Action,
    circumstances: Circumstances,
) -> Decision:
    """Access rules and policies, then the level, for one action."""
    found = applicable(gateway, agent, connector, action.type)
    if found is None:
        return by_rules_alone(gateway, connector, action)
    said = found.candidates.judge(facts(gateway, agent, connector, action, circumstances))
    if said is SILENT:
        return by_rules_alone(gateway, connector, action)
    return _at_its_level(gateway, _narrowed(_by_rule(gateway, connector, action), said), action, said)


def applicable(
    gateway: CompiledGateway, agent: CompiledAgent, connector: CompiledConnector, action_type: str
) -> Applicable | None:
    """The policies that may match; None where none can. Answered from memory where this version was asked before."""
    if not gateway.policies:
        return None
    key = (agent.id, action_type)
    if key in connector.applicable:
        return connector.applicable[key]
    candidates = gateway.policies.candidates(
        gateway.name, connector.name, agent.name, agent.config.environment, action_type
    )
    found = None if candidates is None else Applicable(candidates)
    if len(connector.applicable) < REMEMBERED:
        connector.applicable[key] = found
    return found


def facts(
    gateway: CompiledGateway,
    agent: CompiledAgent,
    connector: CompiledConnector,
    action: Action,
    circumstances: Circumstances,
) -> Facts:
    """All that a policy may look at."""
    return Facts(action, agent.id, agent.name, agent.config.environment, gateway.name, connector.name, circumstances)


def adds(
    gateway: CompiledGateway,
    agent: CompiledAgent,
    connector: CompiledConnector,
    actions: Sequence[Action],
    circumstances: Circumstances,
) -> dict[Total, Decimal]:
    """What a request adds to the running totals that policies compare; empty, at no cost, where none does.

    `circumstances` have no totals yet. An amount that cannot be added up is `totals.UNREADABLE`.
    """

    def counted(action: Action) -> tuple[Total, ...]:
        found = applicable(gateway, agent, connector, action.type)
        if found is None or not found.sums:
            return ()
        return found.candidates.counted(facts(gateway, agent, connector, action, circumstances))

    return amounts(actions, counted) if gateway.policies else {}


def by_rules_alone(gateway: CompiledGateway, connector: CompiledConnector, action: Action) -> Decision:
    """Where no policy says a word, the answer depends on type and effect only."""
    key = (action.type, action.effect)
    known = connector.decisions.get(key)
    if known is None:
        known = _at_its_level(gateway, _by_rule(gateway, connector, action), action, SILENT)
        if len(connector.decisions) < REMEMBERED:
            connector.decisions[key] = known
    return known


def strictest(decisions: Sequence[Decision]) -> Decision:
    """The strictest of several decisions, naming everything that mattered."""
    first = max(decisions, key=_severity)
    matched = tuple(dict.fromkeys(name for decision in decisions for name in decision.matched))
    would_be = max((decision.would_be for decision in decisions), key=STRICTNESS.__getitem__)
    return Decision(
        first.verdict,
        first.reason,
        first.message,
        matched,
        would_be,
        any(decision.warned for decision in decisions),
        requirement=together([decision.requirement for decision in decisions if decision.requirement is not None]),
        risk_score=max((found.risk_score for found in decisions if found.risk_score is not None), default=None),
    )


def _severity(decision: Decision) -> tuple[int, int]:
    return STRICTNESS[decision.verdict], STRICTNESS[decision.would_be]


def at_level(level: EnforcementLevel, decision: Decision) -> Decision:
    """An engine or body error at a level: only `monitor` lets it through, and records it."""
    if level is EnforcementLevel.MONITOR and not decision.allowed:
        return _monitored(decision)
    return decision


def _by_rule(gateway: CompiledGateway, connector: CompiledConnector, action: Action) -> Decision:
    """What access rules say; a gateway that goes by policies alone has none."""
    if gateway.policy_only:
        return Decision(_DENY, Reason.NO_POLICY, f"no policy allows `{action.type}`")
    rule = connector.access.look_up(action).rule
    if rule is None:
        return Decision(_DENY, Reason.NO_RULE, f"no rule allows `{action.type}`")
    return _written(rule, action)


def _written(rule: AccessRule, action: Action) -> Decision:
    matched = (f"rule:{rule.connector}:{rule.pattern}",)
    if rule.decision is _ALLOW:
        return Decision(_ALLOW, Reason.RULE_ALLOW, f"`{action.type}` is allowed", matched, would_be=_ALLOW)
    if rule.decision is _DENY:
        return Decision(_DENY, Reason.RULE_DENY, f"`{action.type}` is denied by a rule", matched)
    return Decision(
        _ASK,
        Reason.APPROVAL_REQUIRED,
        f"`{action.type}` needs an approval",
        matched,
        would_be=_ASK,
        requirement=rule.approval or ANYBODY,
    )


def _narrowed(decision: Decision, said: PolicyVerdict) -> Decision:
    """A decision of access rules with what policies say of the same action: deny over ask over allow."""
    matched = (*decision.matched, *said.matched)
    if said.verdict is None or not _bites(decision, said.verdict):
        return replace(decision, matched=matched, risk_score=said.risk_score)
    return _by_policy(said, matched, [decision.requirement] if decision.requirement is not None else [])


def _bites(decision: Decision, said: Verdict) -> bool:
    """Whether the policies' word is the stricter one. Where nothing is written they can only deny, except on a gateway
    that has policies alone."""
    if decision.reason is Reason.NO_POLICY:
        return True
    if decision.verdict is _ASK and said is _ASK:
        return True
    return STRICTNESS[said] > STRICTNESS[decision.verdict] or (decision.reason is Reason.NO_RULE and said is _DENY)


def _by_policy(said: PolicyVerdict, matched: tuple[str, ...], asked: Sequence[Requirement]) -> Decision:
    assert said.verdict is not None
    requirement = together([*asked, *said.requirements]) or ANYBODY if said.verdict is _ASK else None
    return Decision(
        said.verdict,
        said.reason,
        said.message,
        matched,
        would_be=said.verdict,
        requirement=requirement,
        risk_score=said.risk_score,
    )


def _at_its_level(gateway: CompiledGateway, decision: Decision, action: Action, said: PolicyVerdict) -> Decision:
    level = gateway.level
    if decision.allowed or level is EnforcementLevel.FULL_ENFORCE:
        return decision
    if level is EnforcementLevel.MONITOR:
        return _monitored(decision)
    return _softly(decision, action, said) if decision.reason in _UNWRITTEN else decision


def _softly(decision: Decision, action: Action, said: PolicyVerdict) -> Decision:
    """What nobody wrote a rule for, at `soft_enforce`: a policy's word is a written one."""
    if said.verdict is _ASK:
        return _by_policy(said, decision.matched, ())
    if action.is_unknown:
        return decision
    if said.verdict is _ALLOW:
        return replace(decision, verdict=_ALLOW, reason=said.reason, message=said.message)
    message = f"no rule is written for `{action.type}`"
    return replace(decision, verdict=_ALLOW, reason=Reason.UNWRITTEN_ALLOWED, message=message, warned=True)


def _monitored(decision: Decision) -> Decision:
    message = f"let through by `monitor`; otherwise {decision.reason.value}: {decision.message}"
    return replace(
        decision, verdict=_ALLOW, reason=Reason.MONITORED, message=message, warned=True, retry_after=0, requirement=None
    )
