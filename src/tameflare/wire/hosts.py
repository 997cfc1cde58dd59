"""Host names and addresses in the one form in which they are compared."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final

import msgspec

from tameflare.wire.faults import TargetFault

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST: Final = 253


class Authority(msgspec.Struct, frozen=True):
    """A normalised host, and the port if one was written."""

    host: str
    port: int | None


def parse_authority(text: str) -> Authority:
    """Reads `host`, `host:port` or `[address]:port`; no user part. TargetFault otherwise."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return Authority(normalise_host(_unbracketed(text)), None)
    return Authority(normalise_host(_unbracketed(host)), _port(port))


def _unbracketed(text: str) -> str:
    """RFC 3986 §3.2.2: a colon inside a host only between brackets, and only an IPv6 address there."""
    if text.startswith("[") != text.endswith("]") or (":" in text) != text.startswith("["):
        raise _host_fault(text)
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise TargetFault("authority_invalid", f"`{text[:20]}` is no port")
    return int(text)


def normalise_host(text: str) -> str:
    """Lower case, no final dot, IDNA as A-labels, addresses in their canonical form and without brackets.

    TargetFault for what is neither a name nor an address, above all for numbers that some resolvers would take as an
    IPv4 address (`2130706433`, `0x7f.1`, `127.1`, `010.0.0.1`).
    """
    if len(text) > _LONGEST + 1:
        raise _host_fault(text)
    return _normalise(text)


@lru_cache(4096)
def _normalise(text: str) -> str:
    if ":" in text or text.startswith("["):
        return _ipv6(text)
    name = _ascii(text).lower().removesuffix(".")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return _ipv4(name)
    if len(name) > _LONGEST or _NAME.fullmatch(name) is None:
        raise _host_fault(text)
    return name


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        raise _host_fault(text) from None


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise _host_fault(text) from None


def _ipv6(text: str) -> str:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ipaddress.IPv6Address(inner)
    except ValueError:
        raise _host_fault(text) from None
    if address.scope_id is not None:
        raise _host_fault(text)
    return str(address)


def _host_fault(text: str) -> TargetFault:
    return TargetFault("host_invalid", f"`{text[:80]}` is no host name or address")
