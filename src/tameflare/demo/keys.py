"""Random vendor keys in the vendors' shapes: the real credentials that an agent must never see."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


def _random() -> str:
    return secrets.token_hex(18)


@dataclass(frozen=True)
class VendorKeys:
    """One fresh key for each vendor."""

    github: str = field(default_factory=lambda: "ghp_" + _random())
    openai: str = field(default_factory=lambda: "sk-proj-" + _random())
    stripe: str = field(default_factory=lambda: "sk_test_" + _random())
    slack: str = field(default_factory=lambda: "xoxb-" + _random())
    anthropic: str = field(default_factory=lambda: "sk-ant-" + _random())

    def all(self) -> dict[str, str]:
        """Key by the connector type it belongs to."""
        return dict(vars(self))
