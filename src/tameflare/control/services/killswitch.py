"""Throwing the kill switch: what a word stands for, on and off."""

from __future__ import annotations

from tameflare.connectors.asked import CUSTOM
from tameflare.control.services import approval_changes
from tameflare.control.services.audit import Actor
from tameflare.control.services.configuration import Published
from tameflare.control.services.context import Context
from tameflare.control.services.faults import Ambiguous, Fault, Invalid
from tameflare.control.store import agents, connectors, gateways, killswitch
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.killswitch import ThrownSwitch
from tameflare.core.errors import InvalidValue
from tameflare.core.killswitch import KillSwitch, Scope, ScopeKind, fitting

_HELP = "write `all`, `connector:NAME`, `gateway:NAME` or `agent:ID`"


class KillSwitches:
    def __init__(self, context: Context, database: Database, published: Published) -> None:
        self._context = context
        self._database = database
        self._published = published

    async def throw(self, actor: Actor, word: str, reason: str) -> str:
        """Switch a scope on; returns it in full. Raises Invalid or Ambiguous."""
        kind, target = resolve(word, await self._database.read(_known))
        switch = ThrownSwitch(kind, target, reason, since=self._context.now(), by=actor.name)

        def work(connection: Connection) -> None:
            killswitch.put(connection, switch)
            approval_changes.stop(connection, switch, switch.since)

        await self._published.change(actor, "kill_switch.activated", work, scope=switch.scope, reason=reason)
        return switch.scope

    async def release(self, actor: Actor, word: str, reason: str) -> str:
        """Switch a scope off; returns it in full, also where it was not on. Raises Invalid or Ambiguous."""
        kind, target = resolve(word, await self._database.read(_known_or_on))
        scope = KillSwitch(kind, target).scope

        def work(connection: Connection) -> None:
            killswitch.remove(connection, kind, target)

        await self._published.change(actor, "kill_switch.deactivated", work, scope=scope, reason=reason)
        return scope


def resolve(word: str, known: dict[str, set[Scope]]) -> Scope:
    """What a word stands for, among the objects that exist: names of connectors, gateways and agents, ids of agents.

    `known` maps a name to what bears it. Raises Invalid where nothing does, Ambiguous where several do.
    """
    try:
        found = fitting(word, known)
    except InvalidValue as fault:
        raise Invalid([Fault("scope", fault.message, fault.help)]) from None
    if len(found) == 1:
        return found[0]
    if found:
        raise Ambiguous(word, [KillSwitch(kind, target).scope for kind, target in found])
    raise Invalid([Fault("scope", f"nothing is named `{word}`", _HELP)])


def _known_or_on(connection: Connection) -> dict[str, set[Scope]]:
    """As `_known`, with what a switch is on for although it is gone."""
    known = _known(connection)
    for switch in killswitch.listed(connection):
        known.setdefault(switch.target, set()).add((switch.kind, switch.target))
    return known


def _known(connection: Connection) -> dict[str, set[Scope]]:
    known: dict[str, set[Scope]] = {CUSTOM: {(ScopeKind.CONNECTOR, CUSTOM)}}
    for gateway in gateways.listed(connection):
        known.setdefault(gateway.name, set()).add((ScopeKind.GATEWAY, gateway.name))
    for connector in connectors.everywhere(connection):
        known.setdefault(connector.name, set()).add((ScopeKind.CONNECTOR, connector.name))
    for agent in agents.everywhere(connection):
        for name in (agent.name, agent.id):
            known.setdefault(name, set()).add((ScopeKind.AGENT, agent.id))
    return known
