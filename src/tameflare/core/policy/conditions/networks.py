"""`cidr`: an address in a network. An IPv4 address written in IPv6 is the same address."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from tameflare.core.errors import InvalidValue
from tameflare.core.policy.fields import ABSENT, Seen
from tameflare.core.policy.truth import ERROR, Check, Truth

Network = IPv4Network | IPv6Network
_MAPPED_PREFIX: Final = 96


def cidr(key: str, written: str | Sequence[str]) -> Check:
    networks = [network(each) for each in ([written] if isinstance(written, str) else written)]

    def check(seen: Seen) -> Truth:
        value = seen[key]
        if type(value) is not str:
            return False if value is ABSENT else ERROR
        address = _address(value)
        return ERROR if address is None else any(address in each for each in networks)

    return check


def network(written: str) -> Network:
    """Raises InvalidValue."""
    try:
        found = ip_network(written, strict=False)
    except ValueError:
        raise InvalidValue(f"`{written}` is no network", "write one as `10.0.0.0/8` or `2001:db8::/32`") from None
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    if mapped is None or found.prefixlen < _MAPPED_PREFIX:
        return found
    return IPv4Network((mapped, found.prefixlen - _MAPPED_PREFIX), strict=False)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return found if mapped is None else mapped
