"""The judge: kill switch, rate, access rules, enforcement level. Pure; one for every road.

Read `judge` from top to bottom: it is the order in which a request is decided. Deny wins; when in doubt, deny.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tameflare.core import killswitch
from tameflare.core.access import AccessRule, AccessVerdict
from tameflare.core.action import Action
from tameflare.core.approval import ANYBODY, together
from tameflare.core.compile import CompiledAgent, CompiledConnector, CompiledGateway
from tameflare.core.decision import STRICTNESS, Decision, EnforcementLevel, Reason, Verdict
from tameflare.core.killswitch import KillSwitch

_ALLOW, _DENY, _ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL
REMEMBERED: Final = 4096
_NO_ACTION: Final = Decision(_DENY, Reason.ENGINE_ERROR, "the request could not be named")


def judge(
    gateway: CompiledGateway,
    agent: CompiledAgent,
    connector: CompiledConnector,
    actions: Sequence[Action],
    rate_used: int,
) -> Decision:
    """Decide a request that stands for `actions` (the strictest verdict wins).

    `rate_used` is how many requests of this agent are in the window before this one.
    """
    stopped = stop(gateway, agent, connector, rate_used)
    if stopped is not None:
        return stopped
    return decide(gateway, connector, actions)


def decide(gateway: CompiledGateway, connector: CompiledConnector, actions: Sequence[Action]) -> Decision:
    """What rules and level say of the actions, for a request that nothing stops."""
    if not actions:
        return at_level(gateway.level, _NO_ACTION)
    if len(actions) == 1:
        return judge_action(gateway, connector, actions[0])
    return strictest([judge_action(gateway, connector, action) for action in actions])


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


def judge_action(gateway: CompiledGateway, connector: CompiledConnector, action: Action) -> Decision:
    """Access rules, then the level, for one action. Answered from memory where this version was asked before."""
    key = (action.type, action.effect)
    known = connector.decisions.get(key)
    if known is None:
        known = _by_level(gateway.level, connector.access.look_up(action), action)
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
    )


def _severity(decision: Decision) -> tuple[int, int]:
    return STRICTNESS[decision.verdict], STRICTNESS[decision.would_be]


def at_level(level: EnforcementLevel, decision: Decision) -> Decision:
    """An engine or body error at a level: only `monitor` lets it through, and records it."""
    if level is EnforcementLevel.MONITOR and not decision.allowed:
        return _monitored(decision)
    return decision


def _by_level(level: EnforcementLevel, found: AccessVerdict, action: Action) -> Decision:
    decision = _unwritten(action) if found.rule is None else _written(found.rule, action)
    if decision.allowed:
        return decision
    if level is EnforcementLevel.MONITOR:
        return _monitored(decision)
    if found.rule is None and level is EnforcementLevel.SOFT_ENFORCE and not action.is_unknown:
        return Decision(
            _ALLOW, Reason.UNWRITTEN_ALLOWED, f"no rule is written for `{action.type}`", would_be=_DENY, warned=True
        )
    return decision


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


def _unwritten(action: Action) -> Decision:
    return Decision(_DENY, Reason.NO_RULE, f"no rule allows `{action.type}`")


def _monitored(decision: Decision) -> Decision:
    return Decision(
        _ALLOW,
        Reason.MONITORED,
        f"let through by `monitor`; otherwise {decision.reason.value}: {decision.message}",
        decision.matched,
        would_be=decision.would_be,
        warned=True,
        charge_rate=decision.charge_rate,
    )
