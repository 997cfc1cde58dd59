"""Which headers change what a request does, so that an approval of it must not outlive a change of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import itemgetter
from typing import Final

from tameflare.connectors.auth import METHOD_OVERRIDES
from tameflare.connectors.request import Header

COMMON: Final = frozenset((b"content-type", b"content-encoding", b"if-match", b"if-unmodified-since", b"prefer"))
"""Meant alike everywhere: how the body is read, and on what condition the request holds (RFC 9110, RFC 7240)."""

_VOLATILE: Final = frozenset(
    (
        b"accept",
        b"accept-charset",
        b"accept-encoding",
        b"accept-language",
        b"baggage",
        b"cache-control",
        b"date",
        b"idempotency-key",
        b"mcp-session-id",
        b"pragma",
        b"priority",
        b"referer",
        b"request-id",
        b"traceparent",
        b"tracestate",
        b"user-agent",
        b"x-correlation-id",
        b"x-request-id",
    )
)
"""Differ from one try of the same request to the next, or ask only for another form of the answer."""


def significant_headers(
    marked: Collection[bytes] | None, stripped: frozenset[bytes], headers: Iterable[Header], *, own_key: bool = False
) -> list[tuple[bytes, bytes]]:
    """The headers that an approval is bound to, by name; several of one name in their order, which may count. `marked`
    are lower-case names beside the common ones; None, for hosts that nobody knows: all but those that are known to
    mean nothing. `stripped` do not go on, so they do not count; but where the agent's `own_key` does, it says for whom.
    """
    dropped = METHOD_OVERRIDES if own_key else stripped
    keys = stripped if own_key else frozenset[bytes]()
    found = [
        (lower, value)
        for lower, _, value in headers
        if lower not in dropped and (lower in keys or _counts(lower, marked))
    ]
    return sorted(found, key=itemgetter(0))


def _counts(name: bytes, marked: Collection[bytes] | None) -> bool:
    return name in COMMON or (name not in _VOLATILE if marked is None else name in marked)
