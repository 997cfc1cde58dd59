"""What proxies are told: every change raises the version in its own transaction and wakes the feed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec
import structlog

from tameflare.control.services import audit
from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.services.keys import Keys
from tameflare.control.services.remembered import drop_stale
from tameflare.control.services.vault import Place, Vault, VaultFault
from tameflare.control.store import (
    agents,
    connectors,
    credentials,
    feed,
    gateways,
    killswitch,
    meta,
    proxies,
    remembered,
    rules,
)
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.proxies import Proxy
from tameflare.core.approval import RememberedApproval
from tameflare.core.config import AgentConfig, Configuration, ConnectorConfig, GatewayConfig, ProxyToken
from tameflare.core.killswitch import KillSwitch
from tameflare.link.messages import Bundle, OpenCredential, Snapshot
from tameflare.link.seal import bundle_key, seal_snapshot

T = TypeVar("T")
_NONCE_BYTES: Final = 12

_log = structlog.get_logger("tameflare.configuration")


def credential_place(credential_id: str) -> Place:
    """Where a connector's credential stands."""
    return Place("credentials", "value", credential_id)


class Published:
    """The configuration as stored, and the way to change it."""

    def __init__(self, context: Context, database: Database, vault: Vault, keys: Keys) -> None:
        self._context = context
        self._database = database
        self._vault = vault
        self._keys = keys
        self._made: dict[str, tuple[str, Snapshot]] = {}
        self._problems: tuple[int, tuple[str, ...]] = (-1, ())

    async def change(self, actor: Actor, event: str, function: Callable[[Connection], T], **details: Any) -> T:
        """Run `function` in a transaction that also raises the version; `details` go into the audit line."""

        def work(connection: Connection) -> tuple[T, int]:
            result, now = function(connection), self._context.now()
            drop_stale(connection, now)
            feed.append_configuration(connection, now)
            return result, meta.bump(connection, now)

        result, version = await self._database.write(work)
        audit.record(event, actor, version=version, **details)
        return result

    async def version(self) -> int:
        return (await self._database.read(meta.version)).number

    async def snapshot_for(self, proxy: Proxy, link_token: str) -> Snapshot:
        """The newest configuration, signed, with the credentials sealed for this proxy."""
        version = await self.version()
        digest, made = self._made.get(proxy.id, ("", None))
        if made is not None and made.version == version and digest == proxy.digest:
            return made
        snapshot = await self._database.read(lambda connection: self._build(connection, proxy, link_token))
        self._made[proxy.id] = (proxy.digest, snapshot)
        return snapshot

    def _build(self, connection: Connection, proxy: Proxy, link_token: str) -> Snapshot:
        served = self._served(connection, proxy)
        configuration = self._configuration(connection, served)
        opened = [entry for gateway in served for entry in self._open(connection, gateway.id)]
        bundle = Bundle(0, "", b"", self._keys.pepper, tuple(opened))
        key = bundle_key(link_token, proxy.id)
        nonce = self._context.entropy(_NONCE_BYTES)
        return seal_snapshot(configuration, bundle, self._keys.signer, key, proxy.id, nonce)

    @staticmethod
    def _served(connection: Connection, proxy: Proxy) -> list[gateways.Gateway]:
        everything = gateways.listed(connection)
        if proxy.serves_all:
            return everything
        assigned = proxies.gateway_names(connection, proxy.id)
        return [gateway for gateway in everything if gateway.id in assigned]

    def _configuration(self, connection: Connection, served: list[gateways.Gateway]) -> Configuration:
        version = meta.version(connection)
        switches = tuple(KillSwitch(s.kind, s.target, s.reason) for s in killswitch.listed(connection))
        return Configuration(
            version=version.number,
            issued_at=version.changed_at,
            kill_switches=switches,
            gateways=tuple(_gateway(connection, gateway, self._context.now()) for gateway in served),
        )

    def _open(self, connection: Connection, gateway_id: str) -> list[OpenCredential]:
        """The credentials that can be opened; the connector of any other has none, and `problems` tells."""
        opened = []
        for stored in credentials.of_gateway(connection, gateway_id):
            with suppress(VaultFault):
                value = self._vault.open(stored.value, credential_place(stored.id))
                opened.append(OpenCredential(stored.connector_id, value, stored.username))
        return opened

    async def problems(self) -> tuple[str, ...]:
        """A sentence for each credential that cannot be opened; looked for, and logged, once per version."""
        version = await self.version()
        if self._problems[0] != version:
            self._problems = (version, tuple(await self._database.read(self._find_problems)))
        return self._problems[1]

    def _find_problems(self, connection: Connection) -> list[str]:
        found = []
        for gateway in gateways.listed(connection):
            names = {connector.id: connector.name for connector in connectors.of_gateway(connection, gateway.id)}
            for stored in credentials.of_gateway(connection, gateway.id):
                try:
                    self._vault.open(stored.value, credential_place(stored.id))
                except VaultFault as fault:
                    name = names[stored.connector_id]
                    _log.error("credential_unreadable", gateway=gateway.name, connector=name, message=fault.message)
                    found.append(f"connector `{name}` of gateway `{gateway.name}`: {fault.message}")
        return found


def _gateway(connection: Connection, gateway: gateways.Gateway, now: int) -> GatewayConfig:
    return GatewayConfig(
        id=gateway.id,
        name=gateway.name,
        level=gateway.level,
        rate_limit_per_minute=gateway.rate_limit_per_minute,
        tokens=tuple(ProxyToken(t.id, t.digest, t.expires_at) for t in gateways.tokens(connection, gateway.id)),
        agents=tuple(_narrow(agent, AgentConfig) for agent in agents.of_gateway(connection, gateway.id)),
        connectors=tuple(_narrow(found, ConnectorConfig) for found in connectors.of_gateway(connection, gateway.id)),
        rules=tuple(rules.of_gateway(connection, gateway.id)),
        remembered=tuple(
            _narrow(found, RememberedApproval) for found in remembered.of_gateway(connection, gateway.id, now)
        ),
    )


def _narrow(value: msgspec.Struct, kind: type[T]) -> T:
    """A stored row without what only the store knows."""
    return msgspec.convert(value, kind, from_attributes=True)
