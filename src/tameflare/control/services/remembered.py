"""Answers that people chose to have remembered: made with an approval, dropped as soon as anything about it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from tameflare.control.services.policy_scopes import InForce
from tameflare.control.store import agents, connectors, feed, gateways, meta, remembered, rules
from tameflare.control.store.approvals import StoredApproval
from tameflare.control.store.engine import Connection
from tameflare.control.store.remembered import StoredMemory
from tameflare.core.action import Effect
from tameflare.core.policy.scopes import Place
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


class Subject(msgspec.Struct, frozen=True):
    """What an answer is about: ids of gateway and agent, the name of the connector, types of actions."""

    gateway: str
    agent: str
    connector: str
    types: tuple[str, ...]


def fingerprint(connection: Connection, subject: Subject, in_force: InForce | None = None) -> str:
    """Of everything that decided that people are asked: how the gateway judges, the connector, the rules written for
    it, where the agent works, and the versions of the policies that concern all this.

    Empty where there is no such connector or agent.
    """
    gateway, agent = gateways.by_id(connection, subject.gateway), agents.by_id(connection, subject.agent)
    found = connectors.by_name(connection, subject.gateway, subject.connector)
    if gateway is None or agent is None or found is None:
        return ""
    written = [rule for rule in rules.of_gateway(connection, gateway.id) if rule.connector == found.name]
    places = [Place(gateway.name, found.name, agent.name, agent.environment, kind) for kind in subject.types]
    policies = (in_force or InForce(connection)).concerning(places)
    judged_by = [gateway.level, gateway.policy_only, found, written, agent.name, agent.environment, policies]
    return hashlib.sha256(msgspec.json.encode(judged_by)).hexdigest()


def drop_stale(connection: Connection, now: int) -> int:
    """Forget what was agreed to under other rules, and what is over; how many. Called with every change."""
    found = remembered.everywhere(connection)
    if not found:
        return 0
    in_force = InForce(connection)
    over = [memory.id for memory in found if memory.expires_at <= now or _is_stale(connection, memory, in_force)]
    return remembered.remove(connection, *over) if over else 0


def _is_stale(connection: Connection, memory: StoredMemory, in_force: InForce) -> bool:
    types = tuple(kind for kind, _ in memory.actions)
    subject = Subject(memory.gateway_id, memory.agent, memory.connector, types)
    return memory.fingerprint != fingerprint(connection, subject, in_force)


def forget_person(connection: Connection, person_id: str, now: int) -> None:
    """Forget what somebody agreed to who may no longer be the one he was, and have the proxies told."""
    found = [memory.id for memory in remembered.everywhere(connection) if person_id in memory.people]
    if found:
        remembered.remove(connection, *found)
        feed.append_configuration(connection, now)
        meta.bump(connection, now)
