"""What a policy is about, compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, NamedTuple

from tameflare.core.access import EVERYTHING as EVERY_TYPE
from tameflare.core.access import Pattern, parse_pattern
from tameflare.core.policy.conditions.patterns import glob
from tameflare.core.policy.model import Scope


class Place(NamedTuple):
    """Where an action is judged: names of gateway, connector and agent, the agent's environment, the action's type."""

    gateway: str
    connector: str
    agent: str
    environment: str
    action_type: str


class Cover(Enum):
    """Whether a scope covers a place. BY_RESOURCE: only where the action's `resource.environment` says so."""

    NO = "no"
    YES = "yes"
    BY_RESOURCE = "by resource"


class CompiledScope:
    """Raises InvalidValue for a pattern that is none."""

    __slots__ = ("_agents", "_connectors", "_gateways", "_types", "environments")

    def __init__(self, scope: Scope) -> None:
        self.environments = frozenset(scope.environments)
        self._types = [parse_pattern(source) for source in scope.action_types]
        self._agents = [glob(pattern) for pattern in scope.agents]
        self._gateways = [glob(pattern) for pattern in scope.gateways]
        self._connectors = [glob(pattern) for pattern in scope.connectors]

    def covers(self, place: Place) -> Cover:
        if not (
            self._covers_type(place.action_type)
            and _one_of(self._agents, place.agent)
            and _one_of(self._gateways, place.gateway)
            and _one_of(self._connectors, place.connector)
        ):
            return Cover.NO
        if not self.environments or place.environment in self.environments:
            return Cover.YES
        return Cover.BY_RESOURCE

    def _covers_type(self, action_type: str) -> bool:
        return not self._types or any(pattern.matches(action_type) for pattern in self._types)

    @property
    def looks_at(self) -> Iterable[str]:
        """The fields of a place that make a difference to it, but for the type."""
        named = (("agent.name", self._agents), ("gateway", self._gateways), ("connector", self._connectors))
        found = [field for field, globs in named if globs]
        return [*found, "agent.environment"] if self.environments else found

    @property
    def prefixes(self) -> Iterable[tuple[str, bool]]:
        """For an index: what types in scope begin with, in whole segments, and whether that is all of the type."""
        return [_prefix(pattern) for pattern in self._types] or [_ANY_TYPE]


_ANY_TYPE: Final = ("", False)


def _one_of(globs: list[Callable[[str], bool | None]], name: str) -> bool:
    """Whether one of them matches; a name that is no text is taken for one that does."""
    return not globs or any(matches(name) is not False for matches in globs)


def _prefix(pattern: Pattern) -> tuple[str, bool]:
    if pattern.source == EVERY_TYPE:
        return _ANY_TYPE
    segments = pattern.source.split(".")
    literal = next((at for at, segment in enumerate(segments) if "*" in segment), len(segments))
    return ".".join(segments[:literal]), literal == len(segments)
