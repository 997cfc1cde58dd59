"""From an action that somebody asked for to the request that carries it out, without whatever could pass for a key."""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec.structs import replace

from tameflare.connectors.base import Connector, HttpCall
from tameflare.core.action import Action
from tameflare.core.errors import InvalidValue

HEADERS: Final = "headers"
"""The parameter that holds further headers of the request: an object of texts."""
_KEYS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"})
_OURS: Final = frozenset(
    {"host", "connection", "keep-alive", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"}
    | {"accept-encoding", "range", "if-range", "content-type", "user-agent", "via", "forwarded"}
)
_OURS_BY_PREFIX: Final = ("proxy-", "x-tameflare-", "x-forwarded-", "x-amz-security-token")
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]{1,100}")


def call_for(connector: Connector, action: Action) -> HttpCall:
    """The request, as far as it is known without the credential. Raises InvalidValue where it cannot be built.

    Headers stand in the parameter `headers`. Those that carry keys are dropped there, and under their own name among
    the parameters, as are those that say where a message ends or goes.
    """
    dropped = _KEYS | {name.decode("latin-1") for name in connector.strip.headers} | connector.strip.query
    fields = {name: value for name, value in action.parameters.items() if name.lower() not in dropped}
    given = fields.pop(HEADERS, {}) if isinstance(fields.get(HEADERS), dict) else {}
    call = connector.build(replace(action, parameters=fields))
    if call.lacks_file:
        raise InvalidValue(f"the action `{action.type}` sends a file, and none can be built from parameters")
    own = {name.lower() for name, _ in call.headers}
    further = tuple(_header(name, value) for name, value in given.items() if _may_pass(name, dropped | own))
    return replace(call, headers=(*call.headers, *further))


def _may_pass(name: str, dropped: frozenset[str] | set[str]) -> bool:
    low = name.strip().lower()
    return low not in dropped and low not in _OURS and not low.startswith(_OURS_BY_PREFIX)


def _header(name: str, value: Any) -> tuple[str, str]:
    """Raises InvalidValue for what cannot stand in a head as one line."""
    if not _NAME.fullmatch(name):
        raise InvalidValue(f"`{name[:64]}` cannot be the name of a header")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or value != value.strip():
        raise InvalidValue(f"the value of the header `{name}` cannot stand in one", "send a text of printable ASCII")
    return name, value
