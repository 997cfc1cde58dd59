"""Whether what is under way may go on: asked when a configuration arrives, and about once a second."""

from __future__ import annotations

from tameflare.core.decision import Reason
from tameflare.core.judge import stop
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.state import ProxyState


def reason_to_cut(exchange: Exchange, proxy: ProxyState) -> Reason | None:
    """Why a request that was let through must be cut now: a kill switch, or its run, agent or gateway is gone."""
    identity, served = exchange.identity, proxy.served
    if identity is None or served is None:
        return None
    gateway = served.gateways.get(identity.gateway.compiled.id)
    agent = gateway.compiled.agents.get(identity.agent.name) if gateway is not None else None
    if gateway is None or agent is None or not agent.active:
        return Reason.UNAUTHENTICATED
    if identity.run is not None and not identity.run.alive:
        return Reason.UNAUTHENTICATED
    binding = exchange.binding
    connector = gateway.compiled.connectors.get(binding.name) if binding is not None else None
    stopped = stop(gateway.compiled, agent, connector, rate_used=0)
    return stopped.reason if stopped is not None else None
