"""What belongs to gateways, read for all of them with one query for each kind: a configuration is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from tameflare.control.services.custom import is_built_in
from tameflare.control.store import agents, connectors, credentials, gateways, remembered, rules
from tameflare.control.store.credentials import Credential
from tameflare.control.store.engine import Connection
from tameflare.core.approval import RememberedApproval
from tameflare.core.config import AgentConfig, ConnectorConfig, GatewayConfig, ProxyToken

T = TypeVar("T")
K = TypeVar("K")


class Parts:
    """Of the gateways named by id, or of all for None. `now` in Unix seconds."""

    def __init__(self, connection: Connection, gateway_ids: Sequence[str] | None, now: int) -> None:
        self._tokens = _grouped(gateways.tokens_of(connection, gateway_ids), lambda token: token.gateway_id)
        self._agents = _grouped(agents.of_gateways(connection, gateway_ids), lambda agent: agent.gateway_id)
        made = (found for found in connectors.of_gateways(connection, gateway_ids) if not is_built_in(found))
        self._connectors = _grouped(made, lambda found: found.gateway_id)
        self._rules = _grouped(rules.of_gateways(connection, gateway_ids), lambda found: found[0])
        memories = remembered.of_gateways(connection, gateway_ids, now)
        self._remembered = _grouped(memories, lambda memory: memory.gateway_id)
        self.credentials: Sequence[Credential] = credentials.of_gateways(connection, gateway_ids)

    def config(self, gateway: gateways.Gateway) -> GatewayConfig:
        """The gateway as proxies know it."""
        return GatewayConfig(
            id=gateway.id,
            name=gateway.name,
            level=gateway.level,
            rate_limit_per_minute=gateway.rate_limit_per_minute,
            tokens=tuple(ProxyToken(token.id, token.digest, token.expires_at) for token in self._tokens[gateway.id]),
            agents=tuple(_narrow(agent, AgentConfig) for agent in self._agents[gateway.id]),
            connectors=tuple(_narrow(found, ConnectorConfig) for found in self._connectors[gateway.id]),
            rules=tuple(rule for _, rule in self._rules[gateway.id]),
            remembered=tuple(_narrow(memory, RememberedApproval) for memory in self._remembered[gateway.id]),
            policy_only=gateway.policy_only,
        )


def _grouped(found: Iterable[T], key: Callable[[T], K]) -> defaultdict[K, list[T]]:
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for one in found:
        groups[key(one)].append(one)
    return groups


def _narrow(value: msgspec.Struct, kind: type[T]) -> T:
    """A stored row without what only the store knows."""
    return msgspec.convert(value, kind, from_attributes=True)
