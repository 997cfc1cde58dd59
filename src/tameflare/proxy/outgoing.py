"""The head that goes upstream: the agent's authentication out, the credential in, everything else as it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tameflare.connectors import placeholders
from tameflare.connectors.auth import (
    METHOD_OVERRIDES,
    Injection,
    SentKey,
    Strip,
    credential_kind,
    strip_cookies,
    strip_query,
)
from tameflare.core.config import CredentialMode
from tameflare.core.decision import Reason
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.routing import Binding
from tameflare.wire.heads import RequestHead

if TYPE_CHECKING:
    from tameflare.proxy.exchange import Exchange

Header = tuple[bytes, bytes, bytes]

KEY_SEEN = "agent_key_seen"
PASSED_THROUGH = "credential_passthrough"


def choose(found: Sequence[Binding], head: RequestHead) -> Binding | None:
    """Of several connectors for one host, the one whose placeholder the agent sent; None where that is not clear."""
    named = {name for _, _, value in head.headers if (name := placeholders.bound_to(value.decode("latin-1")))}
    chosen = [binding for binding in found if binding.name in named]
    return chosen[0] if len(chosen) == 1 else None


def prepare(exchange: Exchange) -> Refusal | None:
    """Fill `exchange.outgoing`, or say why the credential cannot be put in."""
    binding = exchange.binding
    if binding is None:
        _write_injected(exchange, Strip(), None)
        return None
    if binding.lacks_credential:
        return Refusal(Reason.CREDENTIAL_MISSING, f"connector `{binding.name}` has no credential")
    strip = binding.connector.strip
    misused = _inspect(exchange, binding, strip)
    if misused is not None:
        return misused
    if binding.mode is CredentialMode.PASSTHROUGH:
        exchange.flags += (PASSED_THROUGH,)
        strip = Strip()
    _write_injected(exchange, strip, binding.injection(exchange.origin.host))
    return None


def _inspect(exchange: Exchange, binding: Binding, strip: Strip) -> Refusal | None:
    """A placeholder of another connector is refused, wherever it stands; a real key in a place for keys is noted."""
    own = (binding.name,)
    for lower, _, value in exchange.head.headers:
        is_key_field = lower in strip.headers and lower not in METHOD_OVERRIDES
        if not is_key_field and b"tameflare_" not in value:
            continue
        kind = credential_kind(value, own)
        if kind is SentKey.FOREIGN_PLACEHOLDER:
            return _misused(value, binding)
        if is_key_field and kind is SentKey.KEY:
            exchange.flags += (KEY_SEEN,)
    if "tameflare_" in exchange.query and placeholders.bound_to(exchange.query) != binding.name:
        return _misused(exchange.query, binding)
    return None


def _misused(value: bytes | str, binding: Binding) -> Refusal:
    named = placeholders.bound_to(value)
    return Refusal(Reason.PLACEHOLDER_MISUSED, f"this is the key of `{named}`, not of `{binding.name}`")


def _write_injected(exchange: Exchange, strip: Strip, injection: Injection | None) -> None:
    headers = [header for header in exchange.head.headers if header[0] not in strip.headers]
    query = exchange.query
    if query:
        query = strip_query(query, strip.query)
    if strip.cookies:
        headers = _without_cookies(headers, strip.cookies)
    if injection is None:
        exchange.outgoing = _write(exchange, headers, query, b"")
        return
    if injection.query:
        query = "&".join(filter(None, (query, *(f"{name}={value}" for name, value in injection.query))))
    if injection.cookies:
        headers = _with_cookies(headers, injection.cookies)
    exchange.outgoing = _write(exchange, headers, query, injection.header_lines)


def _write(exchange: Exchange, headers: Sequence[Header], query: str, extra: bytes) -> bytes:
    head = exchange.head
    target = f"{exchange.path}?{query}" if query else exchange.path
    if exchange.body is not None:
        framing = b"Content-Length: %d\r\n" % len(exchange.body) if exchange.has_body else b""
    elif head.chunked:
        framing = b"Transfer-Encoding: chunked\r\n"
    else:
        framing = b"" if head.content_length is None else b"Content-Length: %d\r\n" % head.content_length
    start = f"{head.method} {target} HTTP/1.1\r\nHost: {exchange.origin.authority}\r\n".encode("latin-1")
    lines = [b"%b: %b\r\n" % (name, value) for _, name, value in headers]
    return b"".join((start, *lines, extra, framing, b"\r\n"))


def _without_cookies(headers: Sequence[Header], names: frozenset[str]) -> list[Header]:
    kept: list[Header] = []
    for lower, name, value in headers:
        if lower != b"cookie":
            kept.append((lower, name, value))
        elif left := strip_cookies(value.decode("latin-1"), names):
            kept.append((lower, name, left.encode("latin-1")))
    return kept


def _with_cookies(headers: Sequence[Header], cookies: Sequence[tuple[str, str]]) -> list[Header]:
    ours = "; ".join(f"{name}={value}" for name, value in cookies)
    theirs = [value.decode("latin-1") for lower, _, value in headers if lower == b"cookie"]
    rest = [header for header in headers if header[0] != b"cookie"]
    return [*rest, (b"cookie", b"Cookie", "; ".join([*theirs, ours]).encode("latin-1"))]
