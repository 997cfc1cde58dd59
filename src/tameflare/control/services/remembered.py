"""Answers that people chose to have remembered: made with an approval, dropped as soon as anything about it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from tameflare.control.store import connectors, feed, gateways, meta, remembered, rules
from tameflare.control.store.approvals import StoredApproval
from tameflare.control.store.engine import Connection
from tameflare.control.store.remembered import StoredMemory
from tameflare.core.action import Effect
from tameflare.core.voting import Person, Remember, agreed_memory, agreeing
from tameflare.link.approvals import HeldAction

LIFE_SECONDS: Final = 3600
"""Nothing is remembered longer, a run or not."""
_GRAVE: Final = frozenset({Effect.MONEY.value, Effect.DESTRUCTIVE.value})

_UNKNOWN: Final = ".unknown."


def objection(stored: StoredApproval, wish: Remember) -> str:
    """Why the answer cannot be remembered; empty: it can."""
    if wish is Remember.NONE:
        return ""
    fault = "" if stored.state.requirement.remember else _too_much(stored.held.actions)
    if fault:
        return fault
    if wish is Remember.RUN and not stored.held.run:
        return "this request belongs to no run"
    return ""


def _too_much(actions: Sequence[HeldAction]) -> str:
    """Why an answer about these is not to stand for others like them; empty where it may."""
    if any(action.effect in _GRAVE for action in actions):
        return "answers about money and about what destroys are not remembered, unless the rule says so"
    if any(_UNKNOWN in action.type for action in actions):
        return "answers about what no table of the vendor names are not remembered, unless the rule says so"
    if not all(action.resource for action in actions):
        return (
            "what this does something to stands among its parameters alone, so that the answer would hold for all of"
            " them: it is not remembered, unless the rule says so"
        )
    return ""


def made(
    stored: StoredApproval, people: Sequence[Person], new_id: str, now: int, fingerprint: str
) -> StoredMemory | None:
    """What is remembered of an approval that has just been given: the least that any of those who agreed chose."""
    state, held = stored.state, stored.held
    agreed = agreeing(state.requirement, state.excluded, state.votes, people)
    wish = agreed_memory(state.votes, agreed)
    if wish is Remember.NONE or objection(stored, wish):
        return None
    return StoredMemory(
        id=new_id,
        agent=state.agent,
        connector=state.connector,
        actions=tuple((action.type, action.resource) for action in held.actions),
        run=held.run if wish is Remember.RUN else "",
        expires_at=now + LIFE_SECONDS,
        approval_id=state.id,
        gateway_id=state.gateway,
        fingerprint=fingerprint,
        people=tuple(person.id for person in agreed),
        names=tuple(stored.voters[person.id] for person in agreed),
        created_at=now,
    )


def fingerprint(connection: Connection, gateway_id: str, connector: str) -> str:
    """Of everything that decided that people are asked: the gateway's level, the connector, the rules written for it.

    Empty where there is no such connector.
    """
    gateway, found = gateways.by_id(connection, gateway_id), connectors.by_name(connection, gateway_id, connector)
    if gateway is None or found is None:
        return ""
    written = [rule for rule in rules.of_gateway(connection, gateway_id) if rule.connector == connector]
    return hashlib.sha256(msgspec.json.encode([gateway.level, found, written])).hexdigest()


def drop_stale(connection: Connection, now: int) -> int:
    """Forget what was agreed to under other rules, and what is over; how many. Called with every change."""
    found = remembered.everywhere(connection)
    over = [memory.id for memory in found if memory.expires_at <= now or _is_stale(connection, memory)]
    return remembered.remove(connection, *over) if over else 0


def _is_stale(connection: Connection, memory: StoredMemory) -> bool:
    return memory.fingerprint != fingerprint(connection, memory.gateway_id, memory.connector)


def forget_person(connection: Connection, person_id: str, now: int) -> None:
    """Forget what somebody agreed to who may no longer be the one he was, and have the proxies told."""
    found = [memory.id for memory in remembered.everywhere(connection) if person_id in memory.people]
    if found:
        remembered.remove(connection, *found)
        feed.append_configuration(connection, now)
        meta.bump(connection, now)
