"""Personal access tokens of the caller."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request
from pydantic import Field

from tameflare.control.api.auth import Oneself, Reader, Wired, address_of
from tameflare.control.api.bodies import Answer, Body, Items, PasswordText, Text
from tameflare.control.api.strict import router_for
from tameflare.control.services import audit
from tameflare.control.services.faults import NotFound
from tameflare.control.services.tokens import DEFAULT_DAYS
from tameflare.control.store import tokens
from tameflare.core.roles import Scope

router = router_for("people", "/api/dashboard/tokens")
Scopes = Annotated[list[Annotated[Scope, Field(strict=False)]], Field(min_length=1, max_length=len(Scope))]
Days = Annotated[int, Field(ge=1, le=3650)]


class TokenBody(Body):
    """A token alone makes no further tokens: the password is needed again."""

    name: Text
    password: PasswordText
    scopes: Scopes = Field([Scope.READ])
    expires_in_days: Days = DEFAULT_DAYS


class TokenOut(Answer):
    """Times in Unix seconds."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: int
    expires_at: int
    last_used_at: int | None


class NewToken(TokenOut):
    """`token` is shown this once."""

    token: str


@router.get("")
async def list_tokens(caller: Reader, services: Wired) -> Items[TokenOut]:
    """One's own tokens, without their secrets."""
    found = await services.database.read(lambda connection: tokens.of_user(connection, caller.user.id))
    return Items(items=[TokenOut.model_validate(token) for token in found])


@router.post("", status_code=201)
async def make_token(body: TokenBody, caller: Oneself, request: Request, services: Wired) -> NewToken:
    """Make another token, never for more than one's role allows."""
    user = await services.users.verify(caller.user.email, body.password, address_of(request))
    secret, token = await services.tokens.make(user, body.name, body.scopes, body.expires_in_days)
    return NewToken(**TokenOut.model_validate(token).model_dump(), token=secret)


@router.delete("/{token_id}", status_code=204)
async def revoke_token(token_id: str, caller: Reader, services: Wired) -> None:
    """Revoke one of one's own tokens; it is refused from now on."""
    if not await services.database.write(lambda connection: tokens.remove(connection, caller.user.id, token_id)):
        raise NotFound("token", token_id)
    audit.record("token.revoked", caller.actor, token=token_id)
