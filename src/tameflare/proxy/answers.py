"""The answers that the proxy gives itself."""

from __future__ import annotations

from typing import Final

import msgspec

from tameflare.connectors import cloud_denials, denials
from tameflare.connectors.denials import Denial, Rendered
from tameflare.connectors.request import HttpRequest
from tameflare.core.decision import Reason
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.refusal import Refusal

PHRASES: Final = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 422: "Unprocessable Content",
    407: "Proxy Authentication Required", 408: "Request Timeout", 413: "Content Too Large", 421: "Misdirected Request",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}  # fmt: skip
PHRASE_LIMIT: Final = 200
AUTHENTICATE: Final = b'Proxy-Authenticate: Basic realm="TameFlare"\r\n'
TUNNEL_OPEN: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


def render(exchange: Exchange, refusal: Refusal, *, keep: bool) -> bytes:
    """A refusal as the vendor's clients understand it, or in our own shape where there is no connector."""
    rendered = _rendered(exchange, refusal)
    extra = [f"X-TameFlare-Request-Id: {exchange.request_id}\r\n"]
    if refusal.reason is Reason.KILL_SWITCH_ACTIVE:
        extra.append("X-TameFlare-Kill-Switch: active\r\n")
    if refusal.retry_after and not any(name.lower() == "retry-after" for name, _ in rendered.headers):
        extra.append(f"Retry-After: {refusal.retry_after}\r\n")
    if rendered.status == 407:
        extra.append(AUTHENTICATE.decode())
    extra.extend(f"{name}: {value}\r\n" for name, value in rendered.headers)
    body = b"" if exchange.head.method == "HEAD" else rendered.body
    phrase = telling_phrase(rendered.status, refusal.message)
    return _message(rendered.status, rendered.content_type, body, "".join(extra), keep, len(rendered.body), phrase)


def telling_phrase(status: int, message: str) -> str:
    """The reason phrase of a status line with the refusal's own words. It is all that many programs show of an answer
    that is an error to them (`raise_for_status` in requests, httpx and aiohttp, wget, urllib). RFC 9112, section 4."""
    words = "".join(letter if " " <= letter <= "~" else " " for letter in message[:PHRASE_LIMIT])
    return f"{PHRASES.get(status, 'Refused')} (TameFlare: {words})"


def _rendered(exchange: Exchange, refusal: Refusal) -> Rendered:
    actions = exchange.actions or ()
    denial = Denial(
        status=refusal.status,
        code=refusal.reason.value,
        message=refusal.message,
        action=actions[0].type if actions else "",
        reason=refusal.reason.value,
        request_id=exchange.request_id,
        matched=refusal.matched,
        help=refusal.help,
        retry_after=refusal.retry_after,
    )
    if exchange.binding is None:
        return denials.git(denial) if _asked_by_git(exchange) else cloud_denials.shaped(denial, _unbound(exchange))
    request = exchange.request
    if request is not None and request.body is None:
        request.body = exchange.received
    return exchange.binding.connector.deny(denial, request)


def _unbound(exchange: Exchange) -> HttpRequest:
    """A request that no connector stands for, as far as the shape of its refusal depends on it."""
    origin, head = exchange.origin, exchange.head
    return HttpRequest(head.method, "https", origin.host, origin.port, exchange.path, headers=head.headers)


def _asked_by_git(exchange: Exchange) -> bool:
    """Whether this is how git's smart HTTP begins; git shows its user nothing but plain text."""
    return exchange.path.endswith("/info/refs") and exchange.query.startswith("service=git-")


def plain(status: int, code: str, message: str, *, keep: bool = False, extra: str = "", phrase: str = "") -> bytes:
    """An answer about the connection itself, where no request could be understood. `phrase` stands in the status line,
    which is all of an answer to CONNECT that some clients show."""
    body = msgspec.json.encode({"error": PHRASES[status], "code": code, "message": message})
    return _message(status, "application/json", body, extra, keep, len(body), phrase)


def document(content_type: str, body: bytes, *, status: int = 200, keep: bool = True, extra: str = "") -> bytes:
    return _message(status, content_type, body, f"Cache-Control: no-store\r\n{extra}", keep, len(body))


def _message(
    status: int, content_type: str, body: bytes, extra: str, keep: bool, length: int, phrase: str = ""
) -> bytes:
    head = (
        f"HTTP/1.1 {status} {phrase or PHRASES.get(status, 'Refused')}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {length}\r\n{extra}{_ending(keep)}\r\n"
    )
    return head.encode("latin-1", "replace") + body


def _ending(keep: bool) -> str:
    return "" if keep else "Connection: close\r\n"
