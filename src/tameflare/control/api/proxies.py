"""Proxy processes and their link tokens."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Answer, Body, Items, Name
from tameflare.control.api.strict import router_for
from tameflare.control.store import proxies
from tameflare.control.store.engine import Connection
from tameflare.control.store.proxies import Proxy

router = router_for("proxies", "/api/dashboard/proxies")


class ProxyBody(Body):
    name: Name
    gateways: Annotated[list[str], Field(max_length=1000)] | None = Field(
        None, description="Names of the gateways it serves; left out: all, also later ones."
    )


class ProxyOut(Answer):
    """`last_seen` in Unix seconds, `version` of the configuration it was last given, `backlog` in bytes."""

    id: str
    name: str
    gateways: list[str] | None
    created_at: int
    last_seen: int | None
    version: int
    backlog: int


class NewProxy(Answer):
    """`token` is shown this once."""

    id: str
    name: str
    token: str


def _shown(connection: Connection, proxy: Proxy) -> ProxyOut:
    served = None if proxy.serves_all else list(proxies.gateway_names(connection, proxy.id).values())
    return ProxyOut(**msgspec.structs.asdict(proxy) | {"gateways": served})


@router.get("")
async def list_proxies(_caller: Reader, services: Wired) -> Items[ProxyOut]:
    found = await services.database.read(
        lambda connection: [_shown(connection, proxy) for proxy in proxies.listed(connection)]
    )
    return Items(items=found)


@router.post("", status_code=201)
async def create_proxy(body: ProxyBody, caller: Manager, services: Wired) -> NewProxy:
    """Register a proxy process; give it the token as TF_LINK_TOKEN."""
    secret, proxy = await services.proxies.add(caller.actor, body.name, body.gateways)
    return NewProxy(id=proxy.id, name=proxy.name, token=secret)


@router.post("/{proxy}/rotate")
async def rotate_proxy(proxy: str, caller: Manager, services: Wired) -> NewProxy:
    """Make a new link token; the old one is refused from now on."""
    secret, found = await services.proxies.rotate(caller.actor, proxy)
    return NewProxy(id=found.id, name=found.name, token=secret)


@router.delete("/{proxy}", status_code=204)
async def delete_proxy(proxy: str, caller: Manager, services: Wired) -> None:
    """Forget a proxy; its link token is refused from now on."""
    await services.proxies.remove(caller.actor, proxy)
