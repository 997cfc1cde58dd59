"""Who calls the decision API: an agent, by one of its keys. No other kind of token opens it."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from tameflare.control.api.auth import address_of, services_of
from tameflare.control.services.action_judging import Place
from tameflare.control.services.audit import Actor
from tameflare.control.services.faults import Refused, Unauthorized
from tameflare.control.store.agent_keys import Holder
from tameflare.control.wiring import Services
from tameflare.core.compile import CompiledAgent, CompiledConfiguration, CompiledGateway
from tameflare.link.tokens import TokenKind

_log = structlog.get_logger("tameflare.auth")
_PREFIXES: Final = (TokenKind.AGENT.value, TokenKind.AGENT_TEST.value, TokenKind.AGENT_FORMER.value)
_HELP: Final = "send `Authorization: Bearer tf_live_…`; `tf agents keys add` makes a key"
_bearer = HTTPBearer(auto_error=False, scheme_name="agent_key", description="A key of an agent: `tf_live_…`.")


class AgentCaller(NamedTuple):
    """An agent as the newest configuration has it, and the key that speaks for it."""

    key: Holder
    gateway: CompiledGateway
    agent: CompiledAgent
    configuration: CompiledConfiguration

    @property
    def place(self) -> Place:
        return Place(self.configuration, self.gateway, self.agent)

    @property
    def actor(self) -> Actor:
        return Actor(self.agent.id, self.agent.name)


async def find_agent(request: Request) -> AgentCaller:
    """The agent that calls. Raises Unauthorized for whatever is no valid agent key, Refused for an agent that was
    suspended, Throttled, DatabaseUnavailable."""
    services = await services_of(request)
    secret = _key_of(request)
    key = services.agent_keys.known(secret) or await services.agent_keys.find(secret)
    if key is None:
        raise Unauthorized("the key is unknown, expired or revoked", _HELP)
    return await _caller(services, key)


async def _caller(services: Services, key: Holder) -> AgentCaller:
    configuration = await services.compiled.get()
    gateway = configuration.gateways.get(key.gateway_id)
    agent = gateway.agents_by_id.get(key.agent_id) if gateway is not None else None
    if gateway is None or agent is None:
        raise Unauthorized("the key is unknown, expired or revoked", _HELP)
    if not agent.active:
        word = agent.config.status.value
        raise Refused(f"agent `{agent.name}` is {word}", "`tf agents activate` lets it go on", code=f"agent_{word}")
    return AgentCaller(key, gateway, agent, configuration)


def _key_of(request: Request) -> str:
    """What stands behind `Bearer`. Raises Unauthorized for tokens of another kind, which are logged."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Unauthorized("an agent key is needed", _HELP)
    if not secret.startswith(_PREFIXES):
        kind = next((kind.value for kind in TokenKind if secret.startswith(kind.value)), "unknown")
        _log.warning("token_misplaced", kind=kind, path=request.url.path, address=address_of(request))
        raise Unauthorized("a token of another kind does not open this", _HELP)
    return secret


async def _documented(request: Request, _shown: Annotated[object, Depends(_bearer)]) -> AgentCaller:
    """`find_agent`, with the way to show a key in the OpenAPI document."""
    return await find_agent(request)


ByAgent = Annotated[AgentCaller, Depends(_documented)]
