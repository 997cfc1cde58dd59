"""Who may use a decision token up: the agent that it was made for, or a person's token with the scope `verify`."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tameflare.control.api.agent_auth import find_agent
from tameflare.control.api.auth import check_role, find_caller, services_of
from tameflare.control.services.audit import Actor
from tameflare.control.services.faults import ScopeMissing, Unauthorized
from tameflare.core.agent_keys import KeyKind
from tameflare.core.roles import Role, Scope
from tameflare.link.tokens import TokenKind

_HELP: Final = "send `Authorization: Bearer` with an agent key, or a personal access token with the scope `verify`"
_personal = HTTPBearer(auto_error=False, scheme_name="personal_token")
_agent = HTTPBearer(auto_error=False, scheme_name="agent_key")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_personal)]


class VerifyCaller(NamedTuple):
    """`agent` is the id of the agent that calls; None: a service that a person gave a token to. `live`: not by a test
    key."""

    agent: str | None
    actor: Actor
    live: bool = True


async def find_verifier(request: Request, given: Given, _shown: Annotated[object, Depends(_agent)]) -> VerifyCaller:
    """Raises Unauthorized, Refused, RoleTooLow, ScopeMissing."""
    if given is not None and not given.credentials.startswith(TokenKind.PERSONAL.value):
        agent = await find_agent(request)
        return VerifyCaller(agent.agent.id, agent.actor, agent.key.kind is KeyKind.LIVE)
    caller = await find_caller(request, await services_of(request), given)
    if caller is None:
        raise Unauthorized("an agent key or a personal access token is needed", _HELP)
    check_role(caller, Role.MEMBER)
    if Scope.VERIFY not in caller.token.scopes:
        raise ScopeMissing(Scope.VERIFY)
    return VerifyCaller(None, caller.actor)


ByVerifier = Annotated[VerifyCaller, Depends(find_verifier)]
