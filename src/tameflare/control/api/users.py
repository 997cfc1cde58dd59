"""Registration, log-in, and who one is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request
from pydantic import Field

from tameflare.control.api.auth import Reader, Wired, address_of
from tameflare.control.api.bodies import Answer, Body, PasswordText, Text
from tameflare.control.api.strict import router_for
from tameflare.control.api.tokens import Days, Scopes, TokenOut
from tameflare.control.services.tokens import DEFAULT_DAYS
from tameflare.control.services.users import Registration
from tameflare.control.store.users import User
from tameflare.control.wiring import Services
from tameflare.core.roles import Role, Scope

router = router_for("people", "/api/dashboard")
LOGIN_SCOPES = (Scope.READ, Scope.MANAGE, Scope.APPROVE, Scope.KILL_SWITCH)
Email = Annotated[str, Field(max_length=254, description="Compared without regard to case.")]


class RegisterBody(Body):
    name: Text
    email: Email
    password: PasswordText
    setup_code: str = Field(
        "", max_length=64, description="The code that the server printed; only for the first owner."
    )


class LoginBody(Body):
    email: Email
    password: PasswordText
    name: Text = Field("log-in", description="Name of the token that is made.")
    scopes: Scopes = Field(list(LOGIN_SCOPES), description="What the token may be used for.")
    expires_in_days: Days = DEFAULT_DAYS


class UserOut(Answer):
    id: str
    name: str
    email: str
    role: Role


class LoggedIn(Answer):
    """`token` is shown this once."""

    user: UserOut
    token: str
    scopes: list[Scope]
    expires_at: int


class Me(Answer):
    user: UserOut
    token: TokenOut


@router.post("/register", status_code=201)
async def register(body: RegisterBody, request: Request, services: Wired) -> LoggedIn:
    """Make an account. The first is the owner's and needs the set-up code; later ones are viewers."""
    wanted = Registration(body.name, body.email, body.password, body.setup_code, address_of(request))
    user = await services.users.register(wanted)
    return await _logged_in(services, user, "registration", list(LOGIN_SCOPES), DEFAULT_DAYS)


@router.post("/login")
async def log_in(body: LoginBody, request: Request, services: Wired) -> LoggedIn:
    """Exchange e-mail and password for a personal access token."""
    user = await services.users.log_in(body.email, body.password, address_of(request))
    return await _logged_in(services, user, body.name, body.scopes, body.expires_in_days)


@router.get("/me")
async def me(caller: Reader) -> Me:
    """Who one is, and what the token may be used for."""
    return Me(user=UserOut.model_validate(caller.user), token=TokenOut.model_validate(caller.token))


async def _logged_in(services: Services, user: User, name: str, scopes: list[Scope], days: int) -> LoggedIn:
    secret, token = await services.tokens.make(user, name, scopes, days)
    shown = UserOut.model_validate(user)
    return LoggedIn(user=shown, token=secret, scopes=list(token.scopes), expires_at=token.expires_at)
