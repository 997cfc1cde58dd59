"""Connectors of a gateway."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Answer, Body, Items, Name, SecretText
from tameflare.control.api.strict import router_for
from tameflare.control.services import custom
from tameflare.control.services.connectors import check, keep_in_reach
from tameflare.control.services.faults import AlreadyExists
from tameflare.control.services.named import connector_named, gateway_named
from tameflare.control.store import connectors, credentials
from tameflare.control.store.connectors import StoredConnector
from tameflare.control.store.engine import Conflict, Connection
from tameflare.core.config import AuthScheme, CredentialMode

router = router_for("connectors", "/api/dashboard/gateways/{gateway}/connectors")
Words = Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=100)]
Ports = Annotated[list[int], Field(max_length=20)]
Auth = Annotated[AuthScheme, Field(strict=False)]
Mode = Annotated[CredentialMode, Field(strict=False)]


class ConnectorPatch(Body):
    """What is left out stays as it is, or as the connector's type has it."""

    domains: Words | None = Field(None, description="Host names, or `*.` and a suffix; empty: the type's own.")
    ports: Ports | None = Field(None, description="Empty: 443.")
    auth: Auth | None = Field(None, description="Where the credential stands in a request.")
    auth_name: Annotated[str, Field(max_length=100)] | None = Field(None, description="Header, parameter or cookie.")
    credential: Mode | None = Field(None, description="Whether requests need a credential.")
    allow_addresses: Words | None = Field(
        None, description="Addresses or CIDRs that are not public and may be reached."
    )
    allow_plaintext: bool | None = Field(None, description="Whether plain http may be used.")
    identify: bool | None = Field(None, description="Whether the agent's name is told to the upstream.")
    record: Words | None = Field(None, description="Parameters whose values are recorded.")
    strict_mask: bool | None = Field(
        None, description="Whether an answer is refused if it comes encoded, so that nothing can be masked in it."
    )
    paths: Words | None = Field(None, description="Endpoints of an MCP server; empty: `/mcp` and `/`.")
    secret: SecretText | None = Field(None, description="The credential, sealed at once and never shown again.")
    username: Annotated[str, Field(max_length=256)] = Field("", description="Only where `auth` is `basic`.")


class ConnectorBody(ConnectorPatch):
    type: Annotated[str, Field(min_length=1, max_length=64)]
    name: Name | None = Field(None, description="Defaults to the type.")


class ConnectorOut(Answer):
    id: str
    name: str
    type: str
    domains: list[str]
    ports: list[int]
    auth: AuthScheme
    auth_name: str
    credential: CredentialMode
    allow_addresses: list[str]
    allow_plaintext: bool
    identify: bool
    record: list[str]
    strict_mask: bool
    paths: list[str]
    created_at: int
    credential_set: bool


def _shown(connection: Connection, connector: StoredConnector) -> ConnectorOut:
    stored = credentials.of_connector(connection, connector.id) is not None
    return ConnectorOut(**msgspec.structs.asdict(connector) | {"credential_set": stored})


def _changed(connector: StoredConnector, body: ConnectorPatch) -> StoredConnector:
    fields = set(ConnectorPatch.model_fields) - {"secret", "username"}
    values = {name: value for name, value in body.model_dump(include=fields).items() if value is not None}
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    if "domains" in lists:
        lists["domains"] = tuple(domain.lower() for domain in lists["domains"])
    return msgspec.structs.replace(connector, **values | lists)


@router.get("")
async def list_connectors(gateway: str, _caller: Reader, services: Wired) -> Items[ConnectorOut]:
    def work(connection: Connection) -> list[ConnectorOut]:
        found = connectors.of_gateway(connection, gateway_named(connection, gateway).id)
        return [_shown(connection, connector) for connector in found if not custom.is_built_in(connector)]

    return Items(items=await services.database.read(work))


@router.post("", status_code=201)
async def create_connector(gateway: str, body: ConnectorBody, caller: Manager, services: Wired) -> ConnectorOut:
    """Add a connector, with its credential if `secret` is given."""
    context = services.context
    name = body.name or body.type
    blank = StoredConnector(context.new_id("con"), name, body.type, gateway_id="", created_at=context.now())
    wanted = _changed(blank, body)
    custom.check_name(name)
    check(wanted)
    sealed = services.credentials.seal(wanted, body.secret, body.username, "secret") if body.secret else None

    def work(connection: Connection) -> ConnectorOut:
        found = msgspec.structs.replace(wanted, gateway_id=gateway_named(connection, gateway).id)
        connectors.add(connection, found)
        if sealed is not None:
            credentials.put(connection, sealed)
        return _shown(connection, found)

    try:
        return await services.configuration.change(
            caller.actor, "connector.created", work, gateway=gateway, connector=name, type=body.type
        )
    except Conflict:
        raise AlreadyExists("connector", name) from None


@router.get("/{connector}")
async def read_connector(gateway: str, connector: str, _caller: Reader, services: Wired) -> ConnectorOut:
    return await services.database.read(
        lambda connection: _shown(connection, connector_named(connection, gateway, connector))
    )


@router.patch("/{connector}")
async def change_connector(
    gateway: str, connector: str, body: ConnectorPatch, caller: Manager, services: Wired
) -> ConnectorOut:
    """Change a connector. One with a credential gets further hosts or ports, or plaintext, only together with it."""

    def work(connection: Connection) -> ConnectorOut:
        found = connector_named(connection, gateway, connector)
        changed = _changed(found, body)
        check(changed)
        if body.secret:
            sealed = services.credentials.seal(changed, body.secret, body.username, "secret")
            credentials.put(connection, sealed)
        elif (stored := credentials.of_connector(connection, found.id)) is not None:
            keep_in_reach(found, changed)
            services.credentials.keep_fitting(changed, stored)
        connectors.replace(connection, changed)
        return _shown(connection, changed)

    return await services.configuration.change(
        caller.actor,
        "connector.updated",
        work,
        gateway=gateway,
        connector=connector,
        fields=sorted(body.model_fields_set),
    )


@router.delete("/{connector}", status_code=204)
async def delete_connector(gateway: str, connector: str, caller: Manager, services: Wired) -> None:
    """Delete a connector with its credential and rules."""

    def work(connection: Connection) -> None:
        connectors.remove(connection, connector_named(connection, gateway, connector).id)

    await services.configuration.change(caller.actor, "connector.deleted", work, gateway=gateway, connector=connector)
