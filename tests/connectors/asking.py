"""Requests and connectors as tests write them."""

from __future__ import annotations

from tameflare.connectors import registry
from tameflare.connectors.base import Connector, HttpCall
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action
from tameflare.core.config import AuthScheme, ConnectorConfig

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HOSTS = {
    "github": "api.github.com",
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "stripe": "api.stripe.com",
    "slack": "slack.com",
}


def connector(kind: str, *domains: str, auth: AuthScheme = AuthScheme.VENDOR, auth_name: str = "") -> Connector:
    config = ConnectorConfig("c1", kind, kind, domains, auth=auth, auth_name=auth_name)
    return registry.create(config)


def request(
    method: str,
    host: str,
    target: str,
    body: bytes | None = None,
    content_type: str = "",
    **headers: str,
) -> HttpRequest:
    path, _, query = target.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type:
        named["content-type"] = content_type
    triples = [(name.encode(), name.title().encode(), value.encode()) for name, value in named.items()]
    return HttpRequest(method, "https", host, 443, path, query, triples, body)


def sent(call: HttpCall) -> HttpRequest:
    """The request that a built call makes."""
    target = f"{call.path}?{call.query}" if call.query else call.path
    return request(call.method, call.host, target, call.body, call.content_type)


def named(subject: Connector, asked: HttpRequest) -> tuple[Action, ...]:
    """As the proxy does: by the head, and by the body where the head does not suffice."""
    classified = subject.classify(asked)
    return subject.name(asked) if classified.needs_body else classified.actions


def types(subject: Connector, asked: HttpRequest) -> list[str]:
    return [action.type for action in named(subject, asked)]
