"""Keys of agents: making them, and finding the agent behind one.

What is no key costs neither the database nor bcrypt: its checksum is wrong. A key is hashed once in the life of this
process; then it is known by an HMAC under a secret that only this process has, and its row is looked at again every
`TRUSTED_SECONDS`, so that one which was revoked, here or by another server on the same database, is refused within a
second.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

from tameflare.control.services import audit
from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.services.faults import NotFound, Throttled
from tameflare.control.services.passwords import Hasher
from tameflare.control.store import agent_keys
from tameflare.control.store.agent_keys import TOPIC, AgentKey, Holder
from tameflare.control.store.engine import Connection, Database, after_commit
from tameflare.core.agent_keys import KeyKind, is_well_formed, look_up, new_key

TRUSTED_SECONDS: Final = 0.8
_MOST_KNOWN: Final = 20_000
_DAY: Final = 86400
_TOUCH_EVERY: Final = 60
_RANDOM_BYTES: Final = 96
_BLOCK: Final = 64
"""Bytes that SHA-256 reads at a time."""


class _Known(NamedTuple):
    """A key that fitted its hash; `marks` and `until` say for how long its row need not be looked at."""

    holder: Holder
    marks: int
    until: float


class AgentKeys:
    """Of the agents of all gateways."""

    def __init__(self, context: Context, database: Database, hasher: Hasher) -> None:
        self._context = context
        self._database = database
        self._hasher = hasher
        self._mark_of = _hmac(context.entropy(32))
        self._known: dict[bytes, _Known] = {}
        self._checks: dict[bytes, asyncio.Task[Holder | None]] = {}
        self._hashed: set[str] = set()
        self._marks = 0
        database.subscribe(TOPIC, self._mark)

    async def make(
        self, find_agent: Callable[[Connection], str], name: str, kind: KeyKind, days: int | None, actor: Actor
    ) -> tuple[str, AgentKey]:
        """A fresh key, shown this once, and what is stored of it. `find_agent` gives the agent's id, or raises."""
        secret = new_key(kind, self._context.entropy(_RANDOM_BYTES))
        hashed, now = await self._hasher.hash(secret), self._context.now()
        key_id = self._context.new_id("key")
        expires_at = now + days * _DAY if days else None

        def work(connection: Connection) -> AgentKey:
            agent = find_agent(connection)
            key = AgentKey(key_id, agent, name, kind, look_up(secret), hashed, now, actor.id, expires_at)
            agent_keys.add(connection, key)
            return key

        stored = await self._database.write(work)
        audit.record("agent.key_created", actor, agent_id=stored.agent_id, key=key_id, kind=kind.value)
        return secret, stored

    async def revoke(self, find_agent: Callable[[Connection], str], key_id: str, actor: Actor) -> None:
        """Refuse a key from now on. `find_agent` as for `make`. Raises NotFound."""

        def work(connection: Connection) -> str:
            agent = find_agent(connection)
            if not agent_keys.remove(connection, agent, key_id):
                raise NotFound("key", key_id)
            after_commit(connection, self._mark)
            return agent

        agent = await self._database.write(work)
        audit.record("agent.key_revoked", actor, agent_id=agent, key=key_id)

    def known(self, secret: str) -> Holder | None:
        """Who speaks by a key that was checked a moment ago, without waiting for anything; None: ask `find`."""
        known = self._known.get(self._mark_of(secret))
        if known is None or known.marks != self._marks or self._context.steady() >= known.until:
            return None
        return known.holder if self._is_valid(known.holder) else None

    async def find(self, secret: str) -> Holder | None:
        """Who speaks by this key; None where it is unknown, expired or revoked.

        Raises Throttled where too many keys are being checked, DatabaseUnavailable.
        """
        if not is_well_formed(secret):
            return None
        mark, marks = self._mark_of(secret), self._marks
        known = self._known.get(mark)
        until = self._context.steady() + TRUSTED_SECONDS
        holder = await (self._first_look(secret, mark) if known is None else self._look_again(known.holder))
        if holder is None or not self._is_valid(holder):
            self._known.pop(mark, None)
            return None
        if len(self._known) >= _MOST_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[mark] = _Known(holder, marks, until)
        await self._touch(holder)
        return holder

    def _mark(self) -> None:
        """Called in the writer's thread: a key may have been revoked."""
        self._marks += 1

    def _is_valid(self, holder: Holder) -> bool:
        return holder.expires_at is None or self._context.clock() < holder.expires_at

    async def _first_look(self, secret: str, mark: bytes) -> Holder | None:
        """The first request with a key pays for bcrypt; those that come meanwhile wait for it."""
        check = self._checks.get(mark)
        if check is None:
            check = self._checks[mark] = asyncio.create_task(self._check(secret))
            check.add_done_callback(lambda _: self._checks.pop(mark, None))
        return await asyncio.shield(check)

    async def _check(self, secret: str) -> Holder | None:
        """One key at a time of those that begin alike: whoever has a key can make up others that begin like it and are
        well formed, and log-ins and first looks of others would wait behind them. Raises Throttled."""
        holder = await self._database.read(lambda connection: agent_keys.by_prefix(connection, look_up(secret)))
        if holder is None:
            return None
        if holder.id in self._hashed:
            raise Throttled("another key that begins like this one is being checked", 1)
        self._hashed.add(holder.id)
        try:
            return holder if await self._hasher.matches(secret, holder.hash) else None
        finally:
            self._hashed.discard(holder.id)

    async def _look_again(self, holder: Holder) -> Holder | None:
        return await self._database.read(lambda connection: agent_keys.by_id(connection, holder.id))

    async def _touch(self, holder: Holder) -> None:
        now = self._context.now()
        if now - (holder.last_used_at or 0) >= _TOUCH_EVERY:
            await self._database.write(lambda connection: agent_keys.used(connection, holder.id, now))


def _hmac(key: bytes) -> Callable[[str], bytes]:
    """HMAC-SHA-256 (RFC 2104) under a key of 32 bytes. The library's own lets other threads run meanwhile, and getting
    back costs fifty times what this does."""
    padded = key.ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def mark_of(text: str) -> bytes:
        within, around = inner.copy(), outer.copy()
        within.update(text.encode())
        around.update(within.digest())
        return around.digest()

    return mark_of
