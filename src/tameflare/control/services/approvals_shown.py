"""An approval as people see it: one sentence, what exactly will happen, who agreed, who is missing."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

import msgspec

from tameflare.control.services.remembered import objection
from tameflare.control.store.approvals import StoredApproval
from tameflare.core.action import Effect, Risk
from tameflare.core.approval import Requirement
from tameflare.core.approval_states import Approval, Status
from tameflare.core.voting import Need, Person, Remember, missing, needs
from tameflare.link.approvals import DECISION_API, DECISION_API_TEST, Held, HeldAction

_LONGEST_VALUE: Final = 80
_MOST_VALUES: Final = 12
_MOST_DEEDS: Final = 5
_MISLEADING: Final = re.compile(r"[,;=`\"()\n]")
"""In a text these could be taken for the end of it, and what follows for another parameter: it is quoted then."""
_ROADS: Final = {
    DECISION_API: "through the decision API; there is no request yet",
    DECISION_API_TEST: "through the decision API, with a test key: nothing will be sent",
}
_GRAVITY: Final = {
    Effect.READ.value: 0,
    Effect.WRITE.value: 1,
    Effect.PUBLIC.value: 2,
    Effect.DESTRUCTIVE.value: 3,
    Effect.MONEY.value: 4,
}


def shown(stored: StoredApproval, people: Collection[Person]) -> dict[str, Any]:
    """The JSON of the API; the dashboard shows the same."""
    state, held = stored.state, stored.held
    left = still_needed(state, people)
    return {
        "id": state.id,
        "status": state.status.value,
        "standing_note": note(state, left, several=len(lacking(state, people)) > 1, asked=held.scheme in _ROADS),
        "gateway": stored.gateway,
        "agent": stored.agent,
        "run": held.run,
        "connector": state.connector,
        "sentence": sentence(stored.agent, held),
        "actions": [msgspec.to_builtins(action) for action in held.actions],
        "method": held.method,
        "host": held.host,
        "path": held.path,
        "content_type": held.content_type,
        "body_size": held.body_size,
        "body_sha256": held.body_sha256,
        "unshown": held.unshown,
        "risk": max((action.risk for action in held.actions), key=_risk, default=Risk.MEDIUM.value),
        "effect": max((action.effect for action in held.actions), key=_gravity, default=Effect.WRITE.value),
        "waiting": len(state.waiting) if state.is_open else 0,
        "requirement": _terms(state.requirement) | {"also": [_terms(part) for part in state.requirement.also]},
        "needs": [_need(need) for need in lacking(state, people)],
        "votes": [
            {
                "by": stored.voters.get(vote.person, vote.person),
                "by_id": vote.person,
                "vote": "approve" if vote.approve else "deny",
                "reason": vote.reason,
                "remember": vote.remember.value,
                "at": vote.at,
            }
            for vote in state.votes
        ],
        "still_needed": left,
        "rememberable": [wish.value for wish in Remember if wish is not Remember.NONE and not objection(stored, wish)],
        "raised_at": state.raised_at,
        "expires_at": state.expires_at,
        "answered_at": state.answered_at,
        "outcome": _outcome(stored),
        "request_ids": list(stored.request_ids),
        "revision": stored.revision,
    }


def sentence(agent: str, held: Held) -> str:
    """What happens if people agree, in one line."""
    deeds = "; ".join(_few([_deed(action) for action in held.actions], _MOST_DEEDS)) or f"`{held.method}`"
    road = f"{held.method} {held.host}{held.path.partition('?')[0]}" if held.method else _ROADS[held.scheme]
    hidden = f", and for what is not shown here: {held.unshown}" if held.unshown else ""
    return f"`{agent}` asks for {deeds} ({road}){hidden}"


def _deed(action: HeldAction) -> str:
    others = ((name, value) for name, value in action.parameters.items() if action.resource.get(name) != value)
    named = [f"{_short(name)}={_short(value)}" for name, value in (*action.resource.items(), *others)]
    values = ", ".join(_few(named, _MOST_VALUES))
    return f"`{action.type}` with {values}" if values else f"`{action.type}`"


def _few(parts: list[str], most: int) -> list[str]:
    """The first of many: what follows them in the sentence is to be seen as well."""
    return parts if len(parts) <= most else [*parts[:most], f"and {len(parts) - most} more"]


def _short(value: object) -> str:
    plain = isinstance(value, str) and not _MISLEADING.search(value)
    text = str(value) if plain else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def still_needed(state: Approval, people: Collection[Person]) -> int:
    """How many votes are missing today, at least: one may count for several groups and several rules."""
    if state.status is not Status.PENDING:
        return 0
    return missing(state.requirement, state.excluded, state.votes, people)


def lacking(state: Approval, people: Collection[Person]) -> Collection[Need]:
    """Who must still agree, group by group; nobody unless it is pending."""
    if state.status is not Status.PENDING:
        return ()
    return [need for need in needs(state.requirement, state.excluded, state.votes, people) if need.missing]


def _terms(part: Requirement) -> dict[str, Any]:
    return {"role": part.role.value, "groups": list(part.groups), "quorum": part.quorum, "distinct": part.distinct}


def _need(need: Need) -> dict[str, Any]:
    return {"group": need.group or None, "role": need.role.value, "quorum": need.quorum, "missing": need.missing}


def note(state: Approval, left: int, *, several: bool = False, asked: bool = False) -> str:
    """Where it stands, in words; `several` groups or rules lack votes, of which one may count for more than one.
    `asked`: of the decision API, where no request waits."""
    goes = "the agent is told" if asked else "the request is about to go"
    texts = {
        Status.PENDING: f"waits for {'at least ' if several else ''}{left} {'person' if left == 1 else 'people'}"
        + ("" if state.waiting else "; nobody waits for the answer any more"),
        Status.APPROVED: f"approved; {goes}" if state.waiting else "approved; the agent may send the same request once",
        Status.DENIED: "denied",
        Status.EXPIRED: "ended",
        Status.RELEASED: "let go; its end is not on record yet",
        Status.EXECUTED: "carried out",
        Status.FAILED: "let go, but it failed",
        Status.UNKNOWN: "let go; outcome unknown",
    }
    told = state.message if state.status not in (Status.PENDING, Status.APPROVED) else ""
    return f"{texts[state.status]}: {told}" if told else texts[state.status]


def _outcome(stored: StoredApproval) -> dict[str, Any] | None:
    if stored.outcome_status is None:
        return None
    return {"status": stored.outcome_status, "latency_ms": (stored.outcome_latency_us or 0) / 1000}


def _risk(word: str) -> int:
    return [risk.value for risk in Risk].index(word) if word in [risk.value for risk in Risk] else len(Risk)


def _gravity(word: str) -> int:
    return _GRAVITY.get(word, len(_GRAVITY))
