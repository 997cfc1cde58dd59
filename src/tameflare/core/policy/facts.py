"""What a policy may look at besides the action itself. Made anew for each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tameflare.core.action import Action
from tameflare.core.policy.model import Total

NO_HINTS: Final[Mapping[str, Any]] = {}


@dataclass(slots=True, eq=False)
class RequestFacts:
    """The HTTP request of a proxied action; `port` as a number, `path` without its query."""

    method: str
    scheme: str
    host: str
    port: int
    path: str
    query: str = ""
    content_type: str = ""
    user_agent: str = ""


@dataclass(slots=True, eq=False)
class Circumstances:
    """What is known of a request besides its actions. `time` is Unix seconds.

    `risk_hints` are what the agent says of itself: they only ever raise a risk. `totals` are the running totals, this
    request included; None where nobody asked for them, and a rule that needs one is then an error.
    """

    time: float
    request: RequestFacts | None = None
    risk_hints: Mapping[str, Any] = field(default_factory=lambda: NO_HINTS)
    totals: Mapping[Total, Decimal] | None = None


@dataclass(slots=True, eq=False)
class Facts:
    """Everything that a condition may read, for one action."""

    action: Action
    agent_id: str
    agent_name: str
    environment: str
    gateway: str
    connector: str
    circumstances: Circumstances
    _names: dict[str, str] | None = None

    @property
    def names(self) -> Mapping[str, str]:
        """The names of the parameters by how they are read without regard to case; empty where several are the same."""
        found = self._names
        if found is None:
            found = self._names = {}
            for name in self.action.parameters:
                folded = name.casefold()
                found[folded] = "" if folded in found else name
        return found
