"""The limits of one proxy process, as the settings say and the machine allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tameflare import settings as names
from tameflare.proxy.allowance import Allowance
from tameflare.settings import Settings

EACH_AGENT: Final = Allowance(tunnels=1000, buffered=256 << 20, held=50)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    max_body: int
    max_held_body: int
    config_max_age: int
    connect_timeout: float
    idle_timeout: float
    total_timeout: float
    client_idle_timeout: float
    head_timeout: float
    stop_timeout: float
    sensitive_query: frozenset[str]
    record_or_deny: bool
    approval_timeout: float
    max_connections: int = 20_000
    max_unauthenticated: int = 1000
    each_agent: Allowance = EACH_AGENT


def limits_of(settings: Settings, files: int) -> Limits:
    """`files` may be open at a time: a connection of an agent takes one, and one more while a request is under way."""
    sensitive = settings.get(names.SENSITIVE_QUERY).lower().split(",")
    return Limits(
        max_body=settings.get(names.MAX_BODY),
        max_held_body=settings.get(names.MAX_HELD_BODY),
        max_connections=min(settings.get(names.MAX_CONNECTIONS), files * 3 // 8),
        max_unauthenticated=settings.get(names.MAX_UNAUTHENTICATED),
        each_agent=Allowance(
            settings.get(names.MAX_TUNNELS), settings.get(names.MAX_BUFFERED), settings.get(names.MAX_HELD_REQUESTS)
        ),
        config_max_age=settings.get(names.CONFIG_MAX_AGE),
        connect_timeout=settings.get(names.CONNECT_TIMEOUT),
        idle_timeout=settings.get(names.IDLE_TIMEOUT),
        total_timeout=settings.get(names.TOTAL_TIMEOUT),
        client_idle_timeout=settings.get(names.CLIENT_IDLE_TIMEOUT),
        head_timeout=settings.get(names.HEAD_TIMEOUT),
        stop_timeout=settings.get(names.STOP_TIMEOUT),
        sensitive_query=frozenset(filter(None, (name.strip() for name in sensitive))),
        record_or_deny=settings.get(names.SPOOL_FULL) == "deny",
        approval_timeout=settings.get(names.APPROVAL_TIMEOUT),
    )
