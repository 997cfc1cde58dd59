"""Whether what is under way may go on: asked when a configuration or a local kill switch comes, and every second."""

from __future__ import annotations

from typing import Final

from tameflare.core.decision import Reason
from tameflare.core.judge import stop
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.refusal import Refusal, refused
from tameflare.proxy.state import ProxyState

REVOKED: Final = Refusal(Reason.UNAUTHENTICATED, "the proxy token, run or agent is no longer valid", close=True)


def refusal_to_cut(exchange: Exchange, proxy: ProxyState) -> Refusal | None:
    """Why a request that was begun must not go on: a kill switch, or its run, agent or gateway is gone."""
    identity, served = exchange.identity, proxy.served
    if identity is None or served is None:
        return None
    gateway = served.gateways.get(identity.gateway.compiled.id)
    agent = gateway.compiled.agents.get(identity.agent.name) if gateway is not None else None
    if gateway is None or agent is None or not agent.active:
        return REVOKED
    if identity.run is not None and not identity.run.alive:
        return REVOKED
    binding = exchange.binding
    connector = gateway.compiled.connectors.get(binding.name) if binding is not None else None
    stopped = stop(gateway.compiled, agent, connector, rate_used=0)
    return refused(stopped) if stopped is not None else None
