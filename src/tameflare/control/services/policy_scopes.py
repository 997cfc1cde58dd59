"""Which policies are about something: by their scopes as they were stored, without reading their sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tameflare.control.store import policies
from tameflare.control.store.engine import Connection
from tameflare.core.config import PolicyConfig
from tameflare.core.errors import InvalidValue
from tameflare.core.policy.conditions.patterns import glob
from tameflare.core.policy.model import EVERYTHING, Scope
from tameflare.core.policy.scopes import CompiledScope, Cover, Place


class InForce:
    """The policies that judge at the time it is made."""

    def __init__(self, connection: Connection) -> None:
        self._found = [(found.id, found.version, _compiled(found.scope)) for found in policies.scopes(connection)]

    def concerning(self, places: Iterable[Place]) -> Sequence[tuple[str, int]]:
        """Id and version of those that may say something in one of these places."""
        wanted = list(places)
        return [
            (policy_id, version)
            for policy_id, version, scope in self._found
            if any(scope.covers(place) is not Cover.NO for place in wanted)
        ]


def of_gateways(found: Iterable[PolicyConfig], gateways: Sequence[str]) -> list[PolicyConfig]:
    """Those that may say something of these gateways, by name: a proxy hears of no other."""
    return [policy for policy in found if policy.scope is None or _names_one(policy.scope.gateways, gateways)]


def _names_one(patterns: Sequence[str], gateways: Sequence[str]) -> bool:
    return not patterns or any(glob(pattern)(name) is not False for pattern in patterns for name in gateways)


def _compiled(scope: Scope | None) -> CompiledScope:
    """One that cannot be read means everything, as it does for the judge."""
    try:
        return CompiledScope(EVERYTHING if scope is None else scope)
    except InvalidValue:
        return CompiledScope(EVERYTHING)
