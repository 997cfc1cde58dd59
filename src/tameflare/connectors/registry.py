"""From a configured connector to the connector: which types there are and which options they take."""

from __future__ import annotations

import difflib
import re
from typing import Final

import msgspec

from tameflare.connectors.auth import Credential
from tameflare.connectors.base import Connector
from tameflare.connectors.generic import GenericConnector, TunnelConnector, WebhookConnector
from tameflare.connectors.github import GitHubConnector
from tameflare.connectors.mcp import McpConnector
from tameflare.connectors.placeholders import variables
from tameflare.connectors.slack import SlackConnector
from tameflare.connectors.table import TableConnector
from tameflare.connectors.vendors import AnthropicConnector, OpenAIConnector, StripeConnector
from tameflare.core.config import AuthScheme, ConnectorConfig
from tameflare.core.errors import InvalidValue

VENDORS: Final[dict[str, type[TableConnector]]] = {
    "github": GitHubConnector,
    "openai": OpenAIConnector,
    "anthropic": AnthropicConnector,
    "stripe": StripeConnector,
    "slack": SlackConnector,
}
_OTHERS: Final[dict[str, type[GenericConnector]]] = {
    "generic": GenericConnector,
    "webhook": WebhookConnector,
    "tunnel": TunnelConnector,
    "mcp": McpConnector,
}
TYPES: Final = (*VENDORS, *_OTHERS)
_SCHEMES: Final[dict[str, frozenset[AuthScheme]]] = {
    "github": frozenset({AuthScheme.VENDOR}),
    "openai": frozenset({AuthScheme.VENDOR, AuthScheme.BEARER}),
    "anthropic": frozenset({AuthScheme.VENDOR, AuthScheme.BEARER}),
    "stripe": frozenset({AuthScheme.VENDOR, AuthScheme.BEARER, AuthScheme.BASIC}),
    "slack": frozenset({AuthScheme.VENDOR, AuthScheme.BEARER}),
    "generic": frozenset(AuthScheme),
    "webhook": frozenset({AuthScheme.HEADER, AuthScheme.BASIC, AuthScheme.VENDOR}),
    "tunnel": frozenset({AuthScheme.VENDOR}),
    "mcp": frozenset(AuthScheme),
}
_DOMAIN: Final = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_\-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_\-]*[a-z0-9_])?)*")
_IPV6: Final = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]+")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9\-._~!$&'()*+,=:@%]+)*/?")
_WITH_PATHS: Final = frozenset({"mcp"})
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]+")
_NAMED: Final = frozenset({AuthScheme.HEADER, AuthScheme.QUERY, AuthScheme.COOKIE})
_FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie", "te", "upgrade"})


class TypeDescription(msgspec.Struct, frozen=True):
    """What a connector type is, for people who choose one. `variables` are what its SDKs read their key from."""

    type: str
    domains: tuple[str, ...]
    auth: tuple[str, ...]
    variables: tuple[str, ...]
    needs_domains: bool


def create(config: ConnectorConfig) -> Connector:
    """The connector for a configuration. Raises InvalidValue for an unknown type or options that do not fit it."""
    check(config)
    if config.type in VENDORS:
        return VENDORS[config.type](config)
    return _OTHERS[config.type](config)


def check_credential(config: ConnectorConfig, credential: Credential) -> None:
    """Raises InvalidValue for a credential that cannot stand where the connector's scheme puts it."""
    connector = create(config)
    for domain in connector.domains:
        connector.injection(domain, credential)


def check(config: ConnectorConfig) -> None:
    """Raises InvalidValue with what to do instead."""
    _check_type(config.type)
    if not config.domains and config.type in _OTHERS:
        raise InvalidValue(f"a connector of type `{config.type}` needs a domain", "name the hosts that it covers")
    for domain in config.domains:
        if not (_DOMAIN.fullmatch(domain.lower()) or _IPV6.fullmatch(domain.lower())):
            raise InvalidValue(f"`{domain}` is not a domain", "write a host as `api.example.com`, or `*.example.com`")
    for port in config.ports:
        if not 1 <= port <= 65535:
            raise InvalidValue(f"`{port}` is not a port", "write a number from 1 to 65535")
    check_paths(config)
    _check_auth(config)


def check_paths(config: ConnectorConfig) -> None:
    """Raises InvalidValue for endpoints that are none, or that the type does not have."""
    if config.paths and config.type not in _WITH_PATHS:
        raise InvalidValue(f"a connector of type `{config.type}` takes no paths")
    for path in config.paths:
        if not path or not _PATH.fullmatch(path):
            raise InvalidValue(f"`{path}` is not a path", "write it as `/mcp`, without a query")


def _check_type(name: str) -> None:
    if name in TYPES:
        return
    close = difflib.get_close_matches(name, TYPES, 1)
    hint = f"did you mean `{close[0]}`?" if close else "choose one of " + ", ".join(TYPES)
    raise InvalidValue(f"connector type `{name}` is not known", hint)


def _check_auth(config: ConnectorConfig) -> None:
    taken = _SCHEMES[config.type]
    if config.auth not in taken:
        choices = ", ".join(sorted(taken))
        raise InvalidValue(f"connector type `{config.type}` does not take the scheme `{config.auth}`", f"use {choices}")
    if config.auth not in _NAMED:
        return
    if not _TOKEN.fullmatch(config.auth_name):
        raise InvalidValue(f"the scheme `{config.auth}` needs a name", "name the header, query parameter or cookie")
    if config.auth is AuthScheme.HEADER and config.auth_name.lower() in _FRAMING:
        raise InvalidValue(f"a credential cannot stand in the header `{config.auth_name}`")


def describe(name: str) -> TypeDescription:
    """Describe a type. Raises InvalidValue for one that is not known."""
    _check_type(name)
    domains = VENDORS[name].vendor.domains if name in VENDORS else ()
    return TypeDescription(name, domains, tuple(sorted(_SCHEMES[name])), variables(name), name in _OTHERS)
