"""Where credentials stand in a request: how ours is put in, what of the agent's is taken out."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import quote, unquote_plus

import msgspec

from tameflare.connectors.placeholders import bound_to
from tameflare.core.config import AuthScheme
from tameflare.core.errors import InvalidValue

METHOD_OVERRIDES: Final = frozenset(
    {b"x-http-method-override", b"x-method-override", b"x-http-method", b"x-original-url", b"x-rewrite-url"}
)
"""Headers by which a server may take a request for another than its first line says."""
METHOD_OVERRIDE_FIELD: Final = "_method"
NEGOTIATION: Final = frozenset({b"accept-encoding", b"a-im", b"range", b"if-range", b"request-range"})
"""Headers by which an agent would get an answer encoded, or in parts, so that a secret in it could not be found."""
IDENTITY: Final = b"Accept-Encoding: identity\r\n"
_KEY_LENGTH: Final = 16


class Credential(Protocol):
    """The open credential of one connector instance; `username` only where the scheme is basic."""

    @property
    def value(self) -> str: ...

    @property
    def username(self) -> str: ...


class Injection(msgspec.Struct, frozen=True):
    """A credential ready to be put in. `header_lines` are whole lines with CRLF; `query` and `cookies` are encoded."""

    header_lines: bytes = b""
    query: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "Injection(***)"


class Strip(msgspec.Struct, frozen=True):
    """What is removed from an agent's request: lower-case header names, query parameters and cookies by name."""

    headers: frozenset[bytes] = METHOD_OVERRIDES
    query: frozenset[str] = frozenset({METHOD_OVERRIDE_FIELD})
    cookies: frozenset[str] = frozenset()


class SentKey(StrEnum):
    """What an agent sent where a key belongs."""

    NOTHING = "nothing"
    PLACEHOLDER = "placeholder"
    FOREIGN_PLACEHOLDER = "foreign_placeholder"
    DUMMY = "dummy"
    KEY = "key"


def credential_kind(value: bytes | str, placeholders: Iterable[str]) -> SentKey:
    """Tell what a header or field holds. `placeholders` names the instances that may be meant at this host.

    Short values (under 16 characters) are dummies such as `none`; longer ones are taken for real keys.
    """
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    bare = text.strip().rpartition(" ")[2]
    instance = bound_to(text)
    if instance is not None:
        return SentKey.PLACEHOLDER if instance in placeholders else SentKey.FOREIGN_PLACEHOLDER
    if not bare:
        return SentKey.NOTHING
    return SentKey.KEY if len(bare) >= _KEY_LENGTH else SentKey.DUMMY


def header_line(name: str, value: str) -> bytes:
    """One header line with CRLF. Raises InvalidValue where the value cannot stand in a header."""
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise InvalidValue(
            f"the credential cannot stand in the header `{name}`", "enter it again without line breaks or blanks"
        )
    return f"{name}: {value}\r\n".encode("ascii")


def bearer(credential: Credential) -> Injection:
    return Injection(header_line("Authorization", f"Bearer {credential.value}"))


def basic(credential: Credential, username: str = "") -> Injection:
    """Basic with the credential as password; with neither user name it stands for the user, the password empty."""
    user = credential.username or username
    pair = f"{user}:{credential.value}" if user else f"{credential.value}:"
    return Injection(header_line("Authorization", "Basic " + base64.b64encode(pair.encode()).decode()))


def inject(scheme: AuthScheme, name: str, credential: Credential) -> Injection:
    """The injection of one of the schemes that belong to no vendor; `vendor` means bearer here."""
    if scheme is AuthScheme.BASIC:
        return basic(credential)
    if scheme is AuthScheme.HEADER:
        return Injection(header_line(name, credential.value))
    if scheme is AuthScheme.QUERY:
        return Injection(query=((quote(name, safe=""), quote(credential.value, safe="")),))
    if scheme is AuthScheme.COOKIE:
        return Injection(cookies=((name, quote(credential.value, safe="!#$&'()*+-./:<=>?@[]^_`{|}~")),))
    return bearer(credential)


def strip_query(query: str, names: frozenset[str]) -> str:
    """A raw query without the parameters of these names, however they are encoded; the rest as it came."""
    if not query:
        return query
    pairs = query.split("&")
    if ";" in query:
        pairs = [_strip_divided(pair, names) for pair in pairs]
    return "&".join(pair for pair in pairs if field_name(pair) not in names)


def _strip_divided(pair: str, names: frozenset[str]) -> str:
    """Some servers divide parameters by `;` as well."""
    first, *others = pair.split(";")
    return ";".join((first, *(other for other in others if field_name(other) not in names)))


def field_name(pair: str) -> str:
    """The name in `name=value` as the laxest server reads it: PHP and Rack cut blanks and what follows a NUL or `[`."""
    return unquote_plus(pair.partition("=")[0]).partition("[")[0].partition("\0")[0].strip()


def strip_cookies(header: str, names: frozenset[str]) -> str:
    """A Cookie header's value without the cookies of these names; may be empty."""
    kept = [pair.strip() for pair in header.split(";") if pair.partition("=")[0].strip() not in names]
    return "; ".join(pair for pair in kept if pair)


def scheme_strip(scheme: AuthScheme, name: str) -> Strip:
    """What a connector without a vendor takes out: `Authorization` always, and the place where ours will stand."""
    headers = METHOD_OVERRIDES | {b"authorization"}
    query = frozenset({METHOD_OVERRIDE_FIELD})
    if scheme is AuthScheme.HEADER:
        headers |= {name.lower().encode()}
    if scheme is AuthScheme.QUERY:
        query |= {name}
    return Strip(headers, query, frozenset({name}) if scheme is AuthScheme.COOKIE else frozenset())
