"""One structured line in the log for every change and every log-in, with who did it. Never a secret."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import structlog

_log = structlog.get_logger("tameflare.audit")


class Actor(msgspec.Struct, frozen=True):
    """Who did something: a user by id and name, or a part of the product."""

    id: str
    name: str


SERVER: Final = Actor("server", "server")


def record(event: str, actor: Actor, **details: Any) -> None:
    """`event` is a noun and a verb, as `gateway.created`."""
    _log.info(event, actor=actor.id, actor_name=actor.name, **details)
