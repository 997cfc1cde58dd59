"""The credential of a connector; its value goes in and never comes out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tameflare.control.api.auth import Manager, SecretReader, Wired
from tameflare.control.api.bodies import Answer, Body, SecretText
from tameflare.control.api.strict import router_for
from tameflare.control.services.credentials import Shown
from tameflare.control.services.faults import NotFound
from tameflare.control.services.named import connector_named
from tameflare.control.store import credentials
from tameflare.control.store.credentials import Credential
from tameflare.control.store.engine import Connection

router = router_for("connectors", "/api/dashboard/gateways/{gateway}/connectors/{connector}/credential")


class CredentialBody(Body):
    value: SecretText
    username: Annotated[str, Field(max_length=256)] = Field("", description="Only where `auth` is `basic`.")


class CredentialOut(Answer):
    """`problem` says why a stored credential cannot be opened."""

    set: bool
    masked: str = Field(description="At most the first three and the last four characters.")
    username: str
    sealed: bool = Field(description="False: stored without encryption.")
    changed_at: int | None
    problem: str


def _out(shown: Shown) -> CredentialOut:
    return CredentialOut.model_validate(shown)


@router.get("")
async def read_credential(gateway: str, connector: str, _caller: SecretReader, services: Wired) -> CredentialOut:
    def work(connection: Connection) -> Credential | None:
        return credentials.of_connector(connection, connector_named(connection, gateway, connector).id)

    return _out(services.credentials.show(await services.database.read(work)))


@router.put("")
async def put_credential(
    gateway: str, connector: str, body: CredentialBody, caller: Manager, services: Wired
) -> CredentialOut:
    """Store a credential; an earlier one is gone."""

    def work(connection: Connection) -> Credential:
        found = connector_named(connection, gateway, connector)
        sealed = services.credentials.seal(found, body.value, body.username)
        credentials.put(connection, sealed)
        return sealed

    stored = await services.configuration.change(
        caller.actor, "credential.set", work, gateway=gateway, connector=connector
    )
    return _out(services.credentials.show(stored))


@router.delete("", status_code=204)
async def delete_credential(gateway: str, connector: str, caller: Manager, services: Wired) -> None:
    def work(connection: Connection) -> None:
        if not credentials.remove(connection, connector_named(connection, gateway, connector).id):
            raise NotFound("credential of connector", connector)

    await services.configuration.change(caller.actor, "credential.deleted", work, gateway=gateway, connector=connector)
