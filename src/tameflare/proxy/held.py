"""What people are shown of a request that waits for them, and the digest that binds their answer to it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from tameflare.connectors.significance import significant_headers
from tameflare.core.action import Action
from tameflare.core.redact import recorded_path, shown
from tameflare.link.approvals import Held, HeldAction
from tameflare.proxy.exchange import Exchange


def describe(exchange: Exchange, sensitive: Collection[str]) -> Held:
    """The held request of an exchange that was judged and whose body was read.

    Values of parameters named in `sensitive`, and what looks like a key, are masked: they never leave the proxy.
    """
    identity, binding, origin = exchange.identity, exchange.binding, exchange.origin
    assert identity is not None
    assert binding is not None
    body = exchange.received or b""
    body_sha256 = hashlib.sha256(body).hexdigest()
    return Held(
        digest=digest(exchange, body_sha256),
        gateway=identity.gateway.compiled.id,
        agent=identity.agent.id,
        token=identity.token,
        run=identity.run.id if identity.run is not None else "",
        connector=binding.name,
        actions=tuple(_shown(action, sensitive) for action in exchange.actions or ()),
        method=exchange.head.method,
        scheme=origin.scheme,
        host=origin.host,
        port=origin.port,
        path=recorded_path(exchange.path, exchange.query, sensitive),
        content_type=exchange.head.headers.first(b"content-type").decode("latin-1")[:256],
        body_sha256=body_sha256,
        body_size=len(body),
    )


def digest(exchange: Exchange, body_sha256: str) -> str:
    """SHA-256 (hex) of everything that an answer is bound to, each part with its length before it.

    Who sends, through which connector, what it was taken for, where it goes, the headers that change what it does, and
    its body as it was received.
    """
    identity, binding, origin = exchange.identity, exchange.binding, exchange.origin
    assert identity is not None
    assert binding is not None
    parts = (
        identity.gateway.compiled.id,
        identity.agent.id,
        binding.compiled.config.id,
        *sorted(action.type for action in exchange.actions or ()),
        exchange.head.method,
        origin.scheme,
        origin.host,
        str(origin.port),
        exchange.path,
        exchange.query,
        body_sha256,
    )
    return _hashed((*(part.encode() for part in parts), *_headers(exchange)))


def _headers(exchange: Exchange) -> Iterable[bytes]:
    assert exchange.binding is not None
    connector = exchange.binding.connector
    for name, value in significant_headers(connector.significant, connector.strip.headers, exchange.head.headers):
        yield name
        yield value


def _hashed(parts: Iterable[bytes]) -> str:
    found = hashlib.sha256(b"tameflare held request v1")
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()


def _shown(action: Action, sensitive: Collection[str]) -> HeldAction:
    return HeldAction(
        action.type, action.risk, action.effect, shown(action.resource, sensitive), shown(action.parameters, sensitive)
    )
