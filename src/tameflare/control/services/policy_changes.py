"""What storing a set of policies changes: found out first, so that it can be shown, and then done."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from tameflare.control.services.policy_checks import Sound
from tameflare.control.services.policy_faults import VersionMoved
from tameflare.control.store import policies
from tameflare.control.store.engine import Connection
from tameflare.control.store.policies import Named, Policy, Version


class Kind(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"


class Change(msgspec.Struct, frozen=True):
    """Of one policy. `before` and `after` are versions, 0 where there is none; `was` and `source` the texts.

    `enabled` False: it is switched off, and stays so.
    """

    name: str
    kind: Kind
    before: int
    after: int
    was: str
    source: str
    enabled: bool = True

    @property
    def diff(self) -> str:
        """In the unified format; empty where nothing changes."""
        old, new = (f"{self.name}@{number}" if number else "/dev/null" for number in (self.before, self.after))
        lines = difflib.unified_diff(self.was.splitlines(True), self.source.splitlines(True), old, new)
        return "".join(lines)


class Writer(msgspec.Struct, frozen=True):
    """Who stores, when, and where the text is from (`saved`, or `restored N`)."""

    id: str
    name: str
    now: int
    origin: str = "saved"


def plan(connection: Connection, wanted: Sequence[Sound], *, prune: bool) -> list[Change]:
    """What would change, by name; with `prune` those that are not wanted go."""
    present = {policy.name: policy for policy in policies.listed(connection)}
    used = policies.names(connection)
    names = {sound.policy.name for sound in wanted}
    gone = [policy for policy in present.values() if prune and policy.name not in names]
    changes = [_change(sound, present.get(sound.policy.name), used.get(sound.policy.name)) for sound in wanted]
    return sorted([*changes, *map(_deletion, gone)], key=lambda change: change.name)


def check_versions(connection: Connection, expected: Mapping[str, int]) -> None:
    """Raises VersionMoved where a policy is not at the version that its author saw; 0: there was none."""
    for name, version in expected.items():
        found = policies.by_name(connection, name)
        present = 0 if found is None or found.deleted_at is not None else found.version
        if present != version:
            raise VersionMoved(name, version, present)


def store(
    connection: Connection, wanted: Sequence[Sound], changes: Sequence[Change], new_ids: Mapping[str, str], by: Writer
) -> None:
    """Carry out what `plan` found in the same transaction; `new_ids` has one for each name that may be new."""
    texts = {sound.policy.name: sound for sound in wanted}
    used = policies.names(connection)
    for change in changes:
        if change.kind is Kind.DELETED:
            remove(connection, used[change.name].id, by.now)
    versions = [
        (change.name, _version(texts[change.name], change.after, by))
        for change in changes
        if change.kind in (Kind.CREATED, Kind.UPDATED)
    ]
    policies.add(connection, [(new_ids[name], name, version) for name, version in versions if name not in used])
    policies.advance(connection, [(used[name], version) for name, version in versions if name in used])


def remove(connection: Connection, policy_id: str, now: int) -> None:
    """Its versions stay, since decisions name them."""
    policies.change(connection, policy_id, {"deleted_at": now, "changed_at": now})


def _change(sound: Sound, present: Policy | None, used: Named | None) -> Change:
    name = sound.policy.name
    if present is None:
        return Change(name, Kind.CREATED, 0, used.version + 1 if used else 1, "", sound.source)
    kind = Kind.UNCHANGED if present.source == sound.source else Kind.UPDATED
    after = present.version + (kind is Kind.UPDATED)
    return Change(name, kind, present.version, after, present.source, sound.source, present.enabled)


def _deletion(policy: Policy) -> Change:
    return Change(policy.name, Kind.DELETED, policy.version, 0, policy.source, "", policy.enabled)


def _version(sound: Sound, number: int, by: Writer) -> Version:
    policy = sound.policy
    return Version(
        version=number,
        source=sound.source,
        scope=sound.scope,
        active=policy.enabled,
        priority=policy.priority,
        rules=len(policy.rules),
        description=policy.description,
        origin=by.origin,
        created_at=by.now,
        created_by=by.id,
        author=by.name,
    )
