"""Who calls: a personal access token, its scope, its user's role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tameflare.control.services.faults import RoleTooLow, ScopeMissing, Unauthorized
from tameflare.control.services.keys import WRONG_KEY, WRONG_KEY_HELP
from tameflare.control.services.tokens import Caller
from tameflare.control.wiring import Services
from tameflare.core.roles import Role, Scope, at_least
from tameflare.link.tokens import TokenKind

_log = structlog.get_logger("tameflare.auth")
_bearer = HTTPBearer(auto_error=False, scheme_name="personal_token", description="A personal access token `tfu_…`.")
_HELP: Final = "send `Authorization: Bearer tfu_…`; `tf login` makes a token"
_ELSEWHERE: Final = tuple(kind.value for kind in TokenKind if kind is not TokenKind.PERSONAL)


async def services_of(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Wired = Annotated[Services, Depends(services_of)]
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def find_caller(request: Request, services: Wired, given: Given) -> Caller | None:
    """The caller, or None where no token was sent. Raises Unauthorized for a token that does not fit here."""
    if given is None:
        if "authorization" in request.headers:
            raise Unauthorized("Authorization is not a bearer token", _HELP)
        return None
    secret = given.credentials
    if not secret.startswith(TokenKind.PERSONAL.value):
        kind = next((prefix for prefix in _ELSEWHERE if secret.startswith(prefix)), "unknown")
        _log.warning("token_misplaced", kind=kind, path=request.url.path, address=address_of(request))
        raise Unauthorized("a token of another kind does not open this", _HELP)
    caller = await services.tokens.find(secret)
    if caller is None:
        raise _unknown(services)
    return caller


def _unknown(services: Services) -> Unauthorized:
    if services.keys.problems:
        return Unauthorized(WRONG_KEY, WRONG_KEY_HELP, code="wrong_master_key")
    return Unauthorized("the token is unknown, expired or revoked", _HELP)


Anybody = Annotated[Caller | None, Depends(find_caller)]


def require_user(scope: Scope, role: Role) -> Callable[[Anybody], Awaitable[Caller]]:
    """A dependency: the caller, whose token must have `scope` and whose user at least `role`."""

    async def required(caller: Anybody) -> Caller:
        if caller is None:
            raise Unauthorized("a personal access token is needed", _HELP)
        check_role(caller, role)
        if scope not in caller.token.scopes:
            raise ScopeMissing(scope)
        return caller

    return required


def check_role(caller: Caller, role: Role) -> None:
    """Raises RoleTooLow."""
    if not at_least(caller.user.role, role):
        raise RoleTooLow(role, caller.user.role)


def address_of(request: Request) -> str:
    """Where a request came from."""
    return request.client.host if request.client else "unknown"


Reader = Annotated[Caller, Depends(require_user(Scope.READ, Role.VIEWER))]
Manager = Annotated[Caller, Depends(require_user(Scope.MANAGE, Role.ADMIN))]
SecretReader = Annotated[Caller, Depends(require_user(Scope.READ, Role.ADMIN))]
Thrower = Annotated[Caller, Depends(require_user(Scope.KILL_SWITCH, Role.OWNER))]
Approver = Annotated[Caller, Depends(require_user(Scope.APPROVE, Role.MEMBER))]
Oneself = Annotated[Caller, Depends(require_user(Scope.MANAGE, Role.VIEWER))]
