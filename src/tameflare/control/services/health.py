"""How the installation is: what works, what is on, and what needs a person."""

from __future__ import annotations

from typing import Final

import msgspec

from tameflare.control.services.compiled import Compiled
from tameflare.control.services.configuration import Published
from tameflare.control.services.keys import Keys
from tameflare.control.services.vault import WARNING, Vault
from tameflare.control.store import gateways, killswitch, meta, proxies, users
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.killswitch import ThrownSwitch
from tameflare.control.store.proxies import Proxy

AWAY_SECONDS: Final = 90


class Facts(msgspec.Struct, frozen=True):
    """`version` is that of the configuration."""

    registered: bool
    version: int
    gateways: int
    switches: list[ThrownSwitch]
    proxies: list[Proxy]


class Health:
    def __init__(self, database: Database, vault: Vault, keys: Keys, published: Published, compiled: Compiled) -> None:
        self._database = database
        self._vault = vault
        self._keys = keys
        self._published = published
        self._compiled = compiled

    async def facts(self) -> Facts:
        """Raises DatabaseUnavailable."""
        return await self._database.read(_facts)

    async def warnings(self) -> list[str]:
        """A sentence for each thing that needs a person. Raises DatabaseUnavailable."""
        plain = [] if self._vault.encrypts else [WARNING]
        stored = [*await self._published.problems(), *await self._compiled.problems()]
        return [*plain, *self._keys.problems, *stored]


def is_away(proxy: Proxy, now: int) -> bool:
    """Whether a proxy has not asked for news for longer than it waits for any."""
    return proxy.last_seen is None or now - proxy.last_seen > AWAY_SECONDS


def _facts(connection: Connection) -> Facts:
    return Facts(
        users.anyone(connection),
        meta.version(connection).number,
        len(gateways.listed(connection)),
        killswitch.listed(connection),
        proxies.listed(connection),
    )
