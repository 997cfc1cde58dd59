"""Objects by the names that people give them; NotFound where there is none."""

from __future__ import annotations

from tameflare.control.services.faults import NotFound
from tameflare.control.store import agents, connectors, gateways, proxies
from tameflare.control.store.agents import Agent
from tameflare.control.store.connectors import StoredConnector
from tameflare.control.store.engine import Connection
from tameflare.control.store.gateways import Gateway
from tameflare.control.store.proxies import Proxy


def gateway_named(connection: Connection, name: str) -> Gateway:
    found = gateways.by_name(connection, name)
    if found is None:
        raise NotFound("gateway", name)
    return found


def agent_named(connection: Connection, gateway: str, name: str) -> Agent:
    found = agents.by_name(connection, gateway_named(connection, gateway).id, name)
    if found is None:
        raise NotFound("agent", name)
    return found


def connector_named(connection: Connection, gateway: str, name: str) -> StoredConnector:
    found = connectors.by_name(connection, gateway_named(connection, gateway).id, name)
    if found is None:
        raise NotFound("connector", name)
    return found


def proxy_named(connection: Connection, name: str) -> Proxy:
    found = proxies.by_name(connection, name)
    if found is None:
        raise NotFound("proxy", name)
    return found
