"""The head that goes upstream: the agent's authentication out, the credential in, everything else as it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from tameflare.connectors import placeholders
from tameflare.connectors.auth import (
    IDENTITY,
    METHOD_OVERRIDES,
    NEGOTIATION,
    Injection,
    SentKey,
    Strip,
    credential_kind,
    strip_cookies,
    strip_query,
)
from tameflare.core.config import CredentialMode
from tameflare.core.decision import Reason
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.routing import Binding
from tameflare.wire.heads import RequestHead

KEY_SEEN = "agent_key_seen"
PASSED_THROUGH = "credential_passthrough"
_PASSED_STRIP: Final = METHOD_OVERRIDES | NEGOTIATION


def choose(found: Sequence[Binding], head: RequestHead) -> Binding | None:
    """Of several connectors for one host, the one whose placeholder the agent sent; None where that is not clear."""
    named = {name for _, _, value in head.headers if (name := placeholders.bound_to(value.decode("latin-1")))}
    chosen = [binding for binding in found if binding.name in named]
    return chosen[0] if len(chosen) == 1 else None


def prepare(exchange: Exchange) -> Refusal | None:
    """Fill `exchange.outgoing`, or say why the credential cannot be put in."""
    binding = exchange.binding
    written = exchange.head.headers.written
    if (
        binding is not None
        and written is not None
        and written[0] is binding
        and exchange.body is None
        and not exchange.query
        and not (binding.downloads and _is_download(exchange, binding))
    ):
        exchange.outgoing = _start(exchange, "") + written[1]
        return _leaked(exchange, binding) if placeholders.MARK in exchange.outgoing else None
    if binding is None:
        _write(exchange, _without_overrides(exchange), exchange.query, b"")
        return None
    if binding.lacks_credential:
        return Refusal(Reason.CREDENTIAL_MISSING, f"connector `{binding.name}` has no credential")
    if binding.mode is CredentialMode.PASSTHROUGH:
        exchange.flags += (PASSED_THROUGH,)
        names, plainly = (_PASSED_STRIP, IDENTITY) if binding.alters_answers else (METHOD_OVERRIDES, b"")
        _write(exchange, exchange.head.headers.without(names)[0], exchange.query, plainly)
    else:
        misused = _replace(exchange, binding)
        if misused is not None:
            return misused
    return _leaked(exchange, binding) if placeholders.MARK in exchange.outgoing else None


def _replace(exchange: Exchange, binding: Binding) -> Refusal | None:
    """Write the head with our credential in the place of what the agent sent."""
    strip = binding.connector.strip
    fields = exchange.head.headers
    kept, taken = fields.without(strip.headers)
    if taken:
        misused = _inspect(exchange, binding, taken)
        if misused is not None:
            return misused
    plainly = b""
    if binding.alters_answers and not _is_download(exchange, binding):
        kept, plainly = fields.layout.lines_without(binding.plain_strip).write(fields.values), IDENTITY
    injection = binding.injection(exchange.origin.host)
    query = strip_query(exchange.query, strip.query) if exchange.query else ""
    if injection is None:
        _write(exchange, kept, query, plainly)
        return None
    if injection.query:
        query = "&".join(filter(None, (query, *(f"{name}={value}" for name, value in injection.query))))
    if strip.cookies or injection.cookies:
        kept = _with_cookies(kept, strip, injection)
    _write(exchange, kept, query, plainly + injection.header_lines)
    if plainly and not (
        exchange.query or injection.query or exchange.flags or binding.identify or exchange.body is not None
    ):
        # nothing here depends on the request line, nor on the host: a repeated head names the same one
        fields.written = (binding, exchange.outgoing[len(_start(exchange, "")) :])
    return None


def _is_download(exchange: Exchange, binding: Binding) -> bool:
    """Whether the answer is a file, which may come in parts and encoded."""
    actions, downloads = exchange.actions, binding.downloads
    if not actions or actions[0].type not in downloads:
        return False
    return len(actions) == 1 or all(action.type in downloads for action in actions)


def _inspect(exchange: Exchange, binding: Binding, values: Sequence[bytes]) -> Refusal | None:
    """What the agent sent where a key belongs: a placeholder of another connector is refused, a real key is noted."""
    for value in values:
        if value in binding.own_keys:
            continue
        kind = credential_kind(value, (binding.name,))
        if kind is SentKey.FOREIGN_PLACEHOLDER:
            return _misused(value, binding)
        if kind is SentKey.PLACEHOLDER:
            binding.learn_own_key(value)
        elif kind is SentKey.KEY:
            exchange.flags += (KEY_SEEN,)
    return None


def _leaked(exchange: Exchange, binding: Binding) -> Refusal | None:
    """A placeholder that stands elsewhere in the head may only be this connector's own."""
    for part in exchange.outgoing.split(b"\r\n"):
        if placeholders.foreign_to(binding.name, part) is not None:
            return _misused(part, binding)
    return None


def _misused(value: bytes, binding: Binding) -> Refusal:
    named = placeholders.foreign_to(binding.name, value)
    return Refusal(Reason.PLACEHOLDER_MISUSED, f"this is the key of `{named}`, not of `{binding.name}`")


def _write(exchange: Exchange, lines: bytes, query: str, extra: bytes) -> None:
    if exchange.binding is not None and exchange.binding.identify:
        extra += _identification(exchange)
    exchange.outgoing = b"".join((_start(exchange, query), lines, extra, _framing(exchange), b"\r\n"))


def _start(exchange: Exchange, query: str) -> bytes:
    target = f"{exchange.path}?{query}" if query else exchange.path
    return f"{exchange.head.method} {target}{exchange.origin.host_line}".encode("latin-1")


def _identification(exchange: Exchange) -> bytes:
    """Who asks, for upstreams that are told; what an agent says of itself in such fields never gets here."""
    assert exchange.identity is not None
    return f"X-TameFlare-Agent: {quote(exchange.identity.agent.name)}\r\n".encode()


def _framing(exchange: Exchange) -> bytes:
    head = exchange.head
    if exchange.body is not None and (exchange.has_body or head.content_length is not None):
        return b"Content-Length: %d\r\n" % len(exchange.body)
    if head.chunked:
        return b"Transfer-Encoding: chunked\r\n"
    return b"" if head.content_length is None else b"Content-Length: %d\r\n" % head.content_length


def _without_overrides(exchange: Exchange) -> bytes:
    return exchange.head.headers.without(METHOD_OVERRIDES)[0]


def _with_cookies(lines: bytes, strip: Strip, injection: Injection) -> bytes:
    """The lines with the agent's cookies of our names out and ours in, as one Cookie field (RFC 6265 section 5.4)."""
    kept, cookies = [], []
    for line in lines.splitlines(keepends=True):
        name, _, value = line.partition(b": ")
        if name.lower() == b"cookie":
            cookies.append(strip_cookies(value.decode("latin-1").strip(), strip.cookies))
        else:
            kept.append(line)
    cookies.extend(f"{name}={value}" for name, value in injection.cookies)
    joined = "; ".join(filter(None, cookies))
    return b"".join(kept) + (f"Cookie: {joined}\r\n".encode("latin-1") if joined else b"")
