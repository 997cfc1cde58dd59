"""Policies as people manage them: everything is checked first, a set is stored whole or not at all, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from tameflare.control.services import audit
from tameflare.control.services.audit import Actor
from tameflare.control.services.configuration import Published
from tameflare.control.services.context import Context
from tameflare.control.services.faults import Fault, Invalid, NotFound
from tameflare.control.services.policy_changes import Change, Kind, Writer, check_versions, plan, remove, store
from tameflare.control.services.policy_checks import Draft, File, Sound, draft, drafts, sound
from tameflare.control.store import groups, policies
from tameflare.control.store.engine import Conflict, Connection, Database
from tameflare.control.store.policies import Policy, Version
from tameflare.core.policy.known import Known
from tameflare.settings import MAX_POLICIES

NO_VERSIONS: Final[Mapping[str, int]] = {}
ATTEMPTS: Final = 5


class _ChangedMeanwhile(Conflict):
    """What exists is no longer what the policies were checked against."""


class _Wish(msgspec.Struct, frozen=True):
    """What is to be stored: `read` gives it, checked against what exists. `expected` are the versions that its author
    saw."""

    read: Callable[[Known], Sequence[Draft]]
    expected: Mapping[str, int] = NO_VERSIONS
    prune: bool = False
    origin: str = "saved"


class Policies:
    def __init__(self, context: Context, database: Database, published: Published) -> None:
        self._context = context
        self._database = database
        self._published = published

    # --- reading ------------------------------------------------------------------------------------------------------

    async def list(self) -> Sequence[Policy]:
        """By name."""
        return await self._database.read(policies.listed)

    async def find(self, name: str) -> Policy:
        """Raises NotFound."""
        return await self._database.read(lambda connection: existing(connection, name))

    async def versions(self, name: str) -> Sequence[Version]:
        """Newest first; also of a policy that was deleted. Raises NotFound."""
        return await self._database.read(lambda connection: policies.versions(connection, _ever(connection, name).id))

    async def version(self, name: str, number: int) -> Version:
        """Raises NotFound."""
        return await self._database.read(lambda connection: _version(connection, name, number))

    async def check(self, files: Sequence[File]) -> Sequence[Draft]:
        """Every policy of the files with its faults; nothing is stored."""
        known = await self._known()
        return await asyncio.to_thread(drafts, files, known, self._context.settings)

    # --- changing -----------------------------------------------------------------------------------------------------

    async def save(self, actor: Actor, name: str, source: str, version: int | None) -> Change:
        """Store one policy; `version` is the one that its author saw (0: none, None: whatever it is).

        Raises FaultyPolicies, Invalid, VersionMoved.
        """

        def read(known: Known) -> Sequence[Draft]:
            found = draft(source, known, self._context.settings)
            if found.policy is not None and found.name != name:
                message = f"the source names the policy `{found.name}`, the address `{name}`"
                raise Invalid([Fault("source", message, "write the same name in both")])
            return [found]

        (change,) = await self._stored(actor, _Wish(read, _expecting(name, version)))
        return change

    async def apply(
        self,
        actor: Actor,
        files: Sequence[File],
        expected: Mapping[str, int] = NO_VERSIONS,
        *,
        prune: bool = False,
        dry_run: bool = False,
    ) -> Sequence[Change]:
        """Store every policy of the files or none; with `prune` all others go. Raises as `save`."""

        def read(known: Known) -> Sequence[Draft]:
            found = drafts(files, known, self._context.settings)
            if not found:
                raise Invalid([Fault("files", "there is no policy in them", "delete policies one by one")])
            return found

        return await self._stored(actor, _Wish(read, expected, prune), dry_run=dry_run)

    async def restore(self, actor: Actor, name: str, number: int, version: int | None) -> Change:
        """Store the text of an older version once more, as the newest. Raises as `save`, NotFound."""
        old = await self.version(name, number)

        def read(known: Known) -> Sequence[Draft]:
            return [draft(old.source, known, self._context.settings)]

        (change,) = await self._stored(actor, _Wish(read, _expecting(name, version), origin=f"restored {number}"))
        return change

    async def switch(self, actor: Actor, name: str, *, enabled: bool) -> Policy:
        """Switch a policy on or off, whatever its source says. Raises NotFound, Invalid."""

        def work(connection: Connection) -> Policy:
            found = existing(connection, name)
            if enabled and not found.active:
                raise Invalid([Fault("enabled", f"the source of `{name}` says `enabled: false`", "change it there")])
            policies.change(connection, found.id, {"enabled": enabled, "changed_at": self._context.now()})
            return existing(connection, name)

        event = "policy.enabled" if enabled else "policy.disabled"
        return await self._published.change(actor, event, work, policy=name)

    async def delete(self, actor: Actor, name: str, version: int | None) -> None:
        """Its versions are kept. Raises NotFound, VersionMoved."""

        def work(connection: Connection) -> None:
            found = existing(connection, name)
            check_versions(connection, _expecting(name, version))
            remove(connection, found.id, self._context.now())

        await self._published.change(actor, "policy.deleted", work, policy=name)

    # --- how ----------------------------------------------------------------------------------------------------------

    async def _known(self) -> Known:
        return await self._database.read(_known)

    async def _stored(self, actor: Actor, wish: _Wish, *, dry_run: bool = False) -> Sequence[Change]:
        """Check, plan, store. What was checked against is compared inside the transaction, and all is done once more
        where it has changed meanwhile, or where another server stored the same policy first."""
        for last in (*[False] * (ATTEMPTS - 1), True):
            known = await self._known()
            wanted = sound(await asyncio.to_thread(wish.read, known))
            look = partial(self._plan, wish=wish, wanted=wanted)
            changes = await self._database.read(look)
            if dry_run or all(change.kind is Kind.UNCHANGED for change in changes):
                return changes
            try:
                return await self._write(actor, wish, wanted, known)
            except Conflict:
                if last:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _write(self, actor: Actor, wish: _Wish, wanted: Sequence[Sound], known: Known) -> Sequence[Change]:
        ids = {each.policy.name: self._context.new_id("pol") for each in wanted}
        writer = Writer(actor.id, actor.name, self._context.now(), wish.origin)

        def work(connection: Connection) -> Sequence[Change]:
            if _known(connection) != known:
                raise Conflict("the groups of people are others now")
            changes = self._plan(connection, wish, wanted)
            store(connection, wanted, changes, ids, writer)
            return changes

        changes = await self._published.change(actor, "policies.stored", work, origin=wish.origin)
        for change in changes:
            if change.kind is not Kind.UNCHANGED:
                audit.record(f"policy.{change.kind}", actor, policy=change.name, version=change.after or change.before)
        return changes

    def _plan(self, connection: Connection, wish: _Wish, wanted: Sequence[Sound]) -> Sequence[Change]:
        check_versions(connection, wish.expected)
        changes = plan(connection, wanted, prune=wish.prune)
        self._check_count(connection, changes)
        return changes

    def _check_count(self, connection: Connection, changes: Sequence[Change]) -> None:
        kinds = [change.kind for change in changes]
        count = policies.count(connection) + kinds.count(Kind.CREATED) - kinds.count(Kind.DELETED)
        most = self._context.settings.get(MAX_POLICIES)
        if Kind.CREATED in kinds and count > most:
            raise Invalid([Fault("", f"there would be {count} policies", f"{most} may be (TF_MAX_POLICIES)")])


def _expecting(name: str, version: int | None) -> Mapping[str, int]:
    return NO_VERSIONS if version is None else {name: version}


def existing(connection: Connection, name: str) -> Policy:
    """Raises NotFound."""
    found = policies.by_name(connection, name)
    if found is None or found.deleted_at is not None:
        raise NotFound("policy", name)
    return found


def _ever(connection: Connection, name: str) -> Policy:
    """Also one that was deleted. Raises NotFound."""
    found = policies.by_name(connection, name)
    if found is None:
        raise NotFound("policy", name)
    return found


def _version(connection: Connection, name: str, number: int) -> Version:
    found = policies.version_of(connection, _ever(connection, name).id, number)
    if found is None:
        raise NotFound("version", f"{name}@{number}")
    return found


def _known(connection: Connection) -> Known:
    return Known(groups=groups.names(connection))
