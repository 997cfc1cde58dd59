"""Proxy processes: link tokens, and the record of the proxy on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tameflare.control.services.audit import SERVER, Actor
from tameflare.control.services.configuration import Published
from tameflare.control.services.context import Context
from tameflare.control.services.faults import AlreadyExists
from tameflare.control.services.named import gateway_named, proxy_named
from tameflare.control.store import proxies
from tameflare.control.store.engine import Conflict, Connection, Database
from tameflare.control.store.proxies import Proxy
from tameflare.link.tokens import TokenKind, digest, new_token
from tameflare.process import write_private

LOCAL: Final = "local"
_LOCAL_ELSEWHERE: Final = f"{LOCAL}-"


class Proxies:
    def __init__(self, context: Context, database: Database, published: Published, pepper: bytes) -> None:
        self._context = context
        self._database = database
        self._published = published
        self._pepper = pepper

    async def authenticate(self, link_token: str) -> Proxy | None:
        """The proxy that holds this link token."""
        if not link_token.startswith(TokenKind.LINK.value):
            return None
        wanted = digest(link_token, self._pepper)
        return await self._database.read(lambda connection: proxies.by_digest(connection, wanted))

    async def served(self, proxy: Proxy) -> frozenset[str] | None:
        """The ids of the gateways that it serves; None for all."""
        if proxy.serves_all:
            return None
        return frozenset(await self._database.read(lambda connection: proxies.gateway_names(connection, proxy.id)))

    async def seen(self, proxy: Proxy, *, version: int | None = None, backlog: int | None = None) -> None:
        """Note that a proxy spoke: the configuration `version` it was given, `backlog` bytes that it has to deliver."""
        now = self._context.now()
        await self._database.write(lambda connection: proxies.seen(connection, proxy.id, now, version, backlog))

    async def add(self, actor: Actor, name: str, gateway_names: Sequence[str] | None) -> tuple[str, Proxy]:
        """A proxy with its link token, shown this once. `gateway_names` None: it serves all."""
        secret = new_token(TokenKind.LINK)
        proxy = Proxy(
            id=self._context.new_id("prx"),
            name=name,
            digest=digest(secret, self._pepper),
            serves_all=gateway_names is None,
            created_at=self._context.now(),
        )

        def work(connection: Connection) -> None:
            proxies.add(connection, proxy, [gateway_named(connection, wanted).id for wanted in gateway_names or ()])

        try:
            await self._published.change(actor, "proxy.created", work, proxy=name)
        except Conflict:
            raise AlreadyExists("proxy", name) from None
        return secret, proxy

    async def rotate(self, actor: Actor, name: str) -> tuple[str, Proxy]:
        """A new link token; the old one is refused from now on."""
        secret = new_token(TokenKind.LINK)

        def work(connection: Connection) -> Proxy:
            proxy = proxy_named(connection, name)
            proxies.rotate(connection, proxy.id, digest(secret, self._pepper))
            return proxy

        return secret, await self._published.change(actor, "proxy.token_rotated", work, proxy=name)

    async def remove(self, actor: Actor, name: str) -> None:
        def work(connection: Connection) -> None:
            proxies.remove(connection, proxy_named(connection, name).id)

        await self._published.change(actor, "proxy.deleted", work, proxy=name)

    async def ensure_local(self, path: Path) -> None:
        """See to it that there is a proxy of this machine and that the file at `path` (0600) holds its link token.

        Its name is `local`; `local-…` where servers of several machines share the database and another one has that.
        """
        found = await self.authenticate(_content(path))
        if found is not None and (found.name == LOCAL or found.name.startswith(_LOCAL_ELSEWHERE)):
            return
        write_private(path, f"{await self._local()}\n".encode())

    async def _local(self) -> str:
        known = await self._database.read(lambda connection: proxies.by_name(connection, LOCAL))
        if known is not None and self._database.is_file:
            return (await self.rotate(SERVER, LOCAL))[0]
        if known is None:
            with suppress(AlreadyExists):  # another machine was first
                return (await self.add(SERVER, LOCAL, None))[0]
        return (await self.add(SERVER, f"{_LOCAL_ELSEWHERE}{self._context.entropy(4).hex()}", None))[0]


def _content(path: Path) -> str:
    """What the file says; empty where there is none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
