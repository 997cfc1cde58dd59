"""What people are shown of a request that waits for them, and the digest that binds their answer to it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from msgspec.structs import replace

from tameflare.connectors.significance import significant_headers
from tameflare.core.config import CredentialMode
from tameflare.core.redact import CUT, LONGEST_PATH, recorded_path
from tameflare.link.approvals import Held
from tameflare.link.held_actions import masked, shown_actions, together
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.hold import Name
from tameflare.proxy.unshown import cut, unshown


def describe(exchange: Exchange, sensitive: Collection[str]) -> Held:
    """The held request of an exchange that was judged and whose body was read.

    Values of parameters named in `sensitive`, and what looks like a key, are masked: they never leave the proxy.
    """
    identity, binding, origin, request = exchange.identity, exchange.binding, exchange.origin, exchange.request
    assert identity is not None
    assert binding is not None
    assert request is not None
    body = exchange.received or b""
    body_sha256 = hashlib.sha256(body).hexdigest()
    actions = shown_actions(exchange.actions or (), sensitive)
    path = recorded_path(exchange.path, exchange.query, sensitive)
    path = path if len(path) < LONGEST_PATH else path + CUT
    return Held(
        digest=digest(exchange, _bound(exchange, body) or body_sha256),
        gateway=identity.gateway.compiled.id,
        agent=identity.agent.id,
        token=identity.token,
        run=identity.run.id if identity.run is not None else "",
        connector=binding.name,
        actions=actions,
        method=exchange.head.method,
        scheme=origin.scheme,
        host=origin.host,
        port=origin.port,
        path=path,
        content_type=exchange.head.headers.first(b"content-type").decode("latin-1")[:256],
        body_sha256=body_sha256,
        body_size=len(body),
        unshown=together(
            unshown(binding.connector, request, exchange.actions or (), body) or cut(path, actions),
            masked(exchange.actions or (), actions),
        ),
    )


def _bound(exchange: Exchange, body: bytes) -> str:
    """The digest of what the connector binds the answer to; empty: to the body as it was received."""
    binding, request = exchange.binding, exchange.request
    assert binding is not None
    assert request is not None
    bound = binding.connector.bound_body(replace(request, body=body))
    return "" if bound is None else f"{binding.connector.type}:{hashlib.sha256(bound).hexdigest()}"


def names(exchange: Exchange) -> list[Name]:
    """By which its client may call it off."""
    binding, request = exchange.binding, exchange.request
    assert binding is not None
    assert request is not None
    return _scoped(exchange, binding.connector.waits_as(request))


def called_off(exchange: Exchange) -> list[Name]:
    """The requests that a request whose body was read calls off."""
    binding, request = exchange.binding, exchange.request
    if binding is None or request is None or exchange.actions is None:
        return []
    return _scoped(exchange, binding.connector.calls_off(request))


def _scoped(exchange: Exchange, found: Iterable[str]) -> list[Name]:
    """Nobody calls off what another agent, or another run, has sent."""
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    assert binding is not None
    run = identity.run.id if identity.run is not None else ""
    return [(identity.agent.id, run, binding.compiled.config.id, name) for name in found]


def digest(exchange: Exchange, body: str) -> str:
    """SHA-256 (hex) of everything that an answer is bound to, each part with its length before it.

    Who sends, through which connector, what it was taken for, where it goes, the headers that change what it does, and
    what `body` says of its body: the digest of the body as it was received, or of what the connector takes of it.
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
        body,
    )
    return _hashed((*(part.encode() for part in parts), *_headers(exchange)))


def _headers(exchange: Exchange) -> Iterable[bytes]:
    assert exchange.binding is not None
    connector, headers = exchange.binding.connector, exchange.head.headers
    own_key = exchange.binding.mode is CredentialMode.PASSTHROUGH
    for name, value in significant_headers(connector.significant, connector.strip.headers, headers, own_key=own_key):
        yield name
        yield value


def _hashed(parts: Iterable[bytes]) -> str:
    found = hashlib.sha256(b"tameflare held request v1")
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()
