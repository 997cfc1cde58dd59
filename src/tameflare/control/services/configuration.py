"""What proxies are told: every change raises the version in its own transaction and wakes the feed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from tameflare.control.services import audit
from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.services.keys import Keys
from tameflare.control.services.parts import Parts
from tameflare.control.services.policy_scopes import of_gateways
from tameflare.control.services.remembered import drop_stale
from tameflare.control.services.timezone import zone_name
from tameflare.control.services.vault import Place, Vault, VaultFault
from tameflare.control.store import (
    connectors,
    credentials,
    feed,
    gateways,
    killswitch,
    meta,
    policies,
    proxies,
)
from tameflare.control.store.credentials import Credential
from tameflare.control.store.engine import Connection, Database, after_commit
from tameflare.control.store.proxies import Proxy
from tameflare.core.config import Configuration, GatewayConfig, PolicyConfig
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
        self._timezone = zone_name(context.settings)
        self._made: dict[str, tuple[str, Snapshot]] = {}
        self._problems: tuple[int, tuple[str, ...]] = (-1, ())
        self._listeners: list[Callable[[], object]] = []

    def after_change(self, callback: Callable[[], object]) -> None:
        """Have `callback` called in the writer's thread once a change is committed, before its author hears of it."""
        self._listeners.append(callback)

    async def change(self, actor: Actor, event: str, function: Callable[[Connection], T], **details: Any) -> T:
        """Run `function` in a transaction that also raises the version; `details` go into the audit line."""

        def work(connection: Connection) -> tuple[T, int]:
            result, now = function(connection), self._context.now()
            drop_stale(connection, now)
            feed.append_configuration(connection, now)
            for callback in self._listeners:
                after_commit(connection, callback)
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

    def everything(self, connection: Connection) -> Configuration:
        """The newest configuration of all gateways; without credentials."""
        parts = Parts(connection, None, self._context.now())
        served = map(parts.config, gateways.listed(connection))
        return self._configuration(connection, served, policies.in_force(connection))

    def _build(self, connection: Connection, proxy: Proxy, link_token: str) -> Snapshot:
        served = self._served(connection, proxy)
        wanted = None if proxy.serves_all else [gateway.id for gateway in served]
        parts = Parts(connection, wanted, self._context.now())
        judging = policies.in_force(connection)
        if wanted is not None:
            judging = of_gateways(judging, [gateway.name for gateway in served])
        configuration = self._configuration(connection, map(parts.config, served), judging)
        bundle = Bundle(0, "", b"", self._keys.pepper, tuple(self._opened(parts.credentials)))
        key = bundle_key(link_token, proxy.id)
        nonce = self._context.entropy(_NONCE_BYTES)
        return seal_snapshot(configuration, bundle, self._keys.signer, key, proxy.id, nonce)

    def _configuration(
        self, connection: Connection, served: Iterable[GatewayConfig], judging: Iterable[PolicyConfig]
    ) -> Configuration:
        version = meta.version(connection)
        return Configuration(
            version=version.number,
            issued_at=version.changed_at,
            kill_switches=tuple(KillSwitch(s.kind, s.target, s.reason) for s in killswitch.listed(connection)),
            gateways=tuple(served),
            policies=tuple(judging),
            timezone=self._timezone,
        )

    @staticmethod
    def _served(connection: Connection, proxy: Proxy) -> list[gateways.Gateway]:
        everything = gateways.listed(connection)
        if proxy.serves_all:
            return everything
        assigned = proxies.gateway_names(connection, proxy.id)
        return [gateway for gateway in everything if gateway.id in assigned]

    def _opened(self, found: Iterable[Credential]) -> list[OpenCredential]:
        """The credentials that can be opened; the connector of any other has none, and `problems` tells."""
        opened = []
        for stored in found:
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
        names = {gateway.id: gateway.name for gateway in gateways.listed(connection)}
        owners = {found.id: found for found in connectors.everywhere(connection)}
        problems = []
        for stored in credentials.of_gateways(connection, None):
            try:
                self._vault.open(stored.value, credential_place(stored.id))
            except VaultFault as fault:
                owner = owners[stored.connector_id]
                gateway = names[owner.gateway_id]
                _log.error("credential_unreadable", gateway=gateway, connector=owner.name, message=fault.message)
                problems.append(f"connector `{owner.name}` of gateway `{gateway}`: {fault.message}")
        return problems
