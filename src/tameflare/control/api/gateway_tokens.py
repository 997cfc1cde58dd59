"""Proxy tokens of gateways."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Answer, Body, Items, Text
from tameflare.control.api.strict import router_for
from tameflare.control.services.faults import NotFound
from tameflare.control.services.named import gateway_named
from tameflare.control.store import gateways
from tameflare.control.store.engine import Connection
from tameflare.control.store.gateways import GatewayToken
from tameflare.link.tokens import TokenKind, digest, new_token

router = router_for("gateways", "/api/dashboard/gateways/{gateway}/tokens")
_DAY = 86400


class GatewayTokenBody(Body):
    name: Text = "token"
    expires_in_days: Annotated[int, Field(ge=1, le=3650, description="Left out: it does not expire.")] | None = None


class GatewayTokenOut(Answer):
    id: str
    name: str
    created_at: int
    expires_at: int | None


class NewGatewayToken(GatewayTokenOut):
    """`token` is shown this once."""

    token: str


@router.get("")
async def list_gateway_tokens(gateway: str, _caller: Reader, services: Wired) -> Items[GatewayTokenOut]:
    found = await services.database.read(
        lambda connection: gateways.tokens(connection, gateway_named(connection, gateway).id)
    )
    return Items(items=[GatewayTokenOut.model_validate(token) for token in found])


@router.post("", status_code=201)
async def make_gateway_token(
    gateway: str, caller: Manager, services: Wired, body: GatewayTokenBody | None = None
) -> NewGatewayToken:
    """Make a token for agents' `Proxy-Authorization`. Older ones stay valid: delete them when all have changed over."""
    wanted = body or GatewayTokenBody()
    secret = new_token(TokenKind.PROXY)
    now = services.context.now()
    token_id = services.context.new_id("gtk")

    def work(connection: Connection) -> GatewayToken:
        token = GatewayToken(
            id=token_id,
            gateway_id=gateway_named(connection, gateway).id,
            name=wanted.name,
            digest=digest(secret, services.keys.pepper),
            created_at=now,
            expires_at=now + wanted.expires_in_days * _DAY if wanted.expires_in_days else None,
            created_by=caller.user.id,
        )
        gateways.add_token(connection, token)
        return token

    stored = await services.configuration.change(
        caller.actor, "gateway.token_created", work, gateway=gateway, token=token_id
    )
    return NewGatewayToken(**GatewayTokenOut.model_validate(stored).model_dump(), token=secret)


@router.delete("/{token_id}", status_code=204)
async def revoke_gateway_token(gateway: str, token_id: str, caller: Manager, services: Wired) -> None:
    """Revoke a token; proxies refuse it within a second."""

    def work(connection: Connection) -> None:
        if not gateways.remove_token(connection, gateway_named(connection, gateway).id, token_id):
            raise NotFound("token", token_id)

    await services.configuration.change(caller.actor, "gateway.token_revoked", work, gateway=gateway, token=token_id)
