"""What stands around every page: the menu, the kill switch's state, and how the installation is."""

from __future__ import annotations

from typing import Final

import msgspec

from tameflare.control.services.health import Facts, is_away
from tameflare.control.services.sessions import Visitor
from tameflare.control.store.killswitch import ThrownSwitch
from tameflare.control.wiring import Services
from tameflare.core.roles import Role

_MENU: Final = (
    ("overview", "Overview", "/dashboard"),
    ("approvals", "Approvals", "/dashboard/approvals"),
    ("traffic", "Traffic", "/dashboard/traffic"),
    ("kill-switch", "Kill switch", "/dashboard/kill-switch"),
)


class Entry(msgspec.Struct, frozen=True):
    """A line of the menu; `count` stands beside it where it is not 0."""

    text: str
    address: str
    current: bool
    count: int = 0


class Frame(msgspec.Struct, frozen=True):
    """`warnings` say what needs a person; `pending` is how many approvals wait; `made_at` in Unix seconds."""

    visitor: Visitor | None
    menu: tuple[Entry, ...]
    switches: tuple[ThrownSwitch, ...]
    warnings: tuple[str, ...]
    facts: Facts | None
    made_at: float
    pending: int = 0

    @classmethod
    def blank(cls) -> Frame:
        return cls(None, (), (), (), None, 0.0)

    @property
    def csrf(self) -> str:
        assert self.visitor is not None
        return self.visitor.csrf

    @property
    def is_owner(self) -> bool:
        return self.visitor is not None and self.visitor.user.role is Role.OWNER


async def frame_for(services: Services, visitor: Visitor, place: str) -> Frame:
    """Raises DatabaseUnavailable."""
    facts = await services.health.facts()
    now = services.context.now()
    away = [f"proxy `{proxy.name}` does not answer" for proxy in facts.proxies if is_away(proxy, now)]
    pending = await services.approvals.count_pending()
    menu = tuple(
        Entry(text, address, name == place, pending if name == "approvals" else 0) for name, text, address in _MENU
    )
    warnings = (*await services.health.warnings(), *away)
    return Frame(visitor, menu, tuple(facts.switches), warnings, facts, services.context.clock(), pending)
