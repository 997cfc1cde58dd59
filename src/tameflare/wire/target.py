"""Request targets (RFC 9112 §3.2): where a request goes, said in one way only."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tameflare.wire.faults import TargetFault
from tameflare.wire.hosts import Authority, normalise_host, parse_authority
from tameflare.wire.paths import normalise_path

__all__: Final = [
    "AbsoluteTarget",
    "Authority",
    "Target",
    "TargetFault",
    "normalise_host",
    "normalise_path",
    "parse_absolute",
    "parse_authority",
    "parse_target",
]

_QUERY: Final = re.compile(r"[!\"$-~]*")
_ABSOLUTE: Final = re.compile(r"(https?)://([^/?#]+)([^?]*)(?:\?(.*))?", re.IGNORECASE | re.DOTALL)
DEFAULT_PORT: Final = {"http": 80, "https": 443}


class Target(msgspec.Struct, frozen=True):
    """Normalised path, and the query as it was written, without its `?`."""

    path: str
    query: str


class AbsoluteTarget(msgspec.Struct, frozen=True):
    """A whole URL: scheme in lower case, normalised host and path, port filled in."""

    scheme: str
    host: str
    port: int
    path: str
    query: str


def parse_target(target: str) -> Target:
    """Reads the origin form, `/path?query`; TargetFault `path_ambiguous` or `target_invalid`."""
    path, _mark, query = target.partition("?")
    return Target(normalise_path(path), _query(query))


def parse_absolute(target: str) -> AbsoluteTarget:
    """Reads the absolute form, `http://host:port/path?query`, as clients send it to a proxy; TargetFault otherwise."""
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise TargetFault("target_invalid", "the request target is no http or https URL")
    scheme = match[1].lower()
    authority = parse_authority(match[2])
    port = DEFAULT_PORT[scheme] if authority.port is None else authority.port
    return AbsoluteTarget(scheme, authority.host, port, normalise_path(match[3] or "/"), _query(match[4] or ""))


def _query(query: str) -> str:
    if query and _QUERY.fullmatch(query) is None:
        raise TargetFault("target_invalid", "the query has a fragment, a space or a control character")
    return query
