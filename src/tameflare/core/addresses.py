"""Addresses: which of them an agent's traffic may reach, and which are this machine."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from tameflare.core.errors import InvalidValue

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressClass(StrEnum):
    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    LINK_LOCAL = "link_local"
    METADATA = "metadata"
    CGNAT = "cgnat"
    MULTICAST = "multicast"
    UNSPECIFIED = "unspecified"
    RESERVED = "reserved"


_METADATA: Final = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192",
                 "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254")
)  # fmt: skip
_CGNAT: Final = ip_network("100.64.0.0/10")
_NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_SIX_TO_FOUR: Final = ip_network("2002::/16")
_TEREDO: Final = ip_network("2001::/32")
_COMPATIBLE: Final = ip_network("::/96")
_NEVER_PUBLIC: Final = (_COMPATIBLE, _TEREDO, ip_network("64:ff9b:1::/48"))  # whatever address they embed
_RESERVED: Final = tuple(
    ip_network(text)
    for text in ("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
                 "240.0.0.0/4", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16")
)  # fmt: skip


def classify(address: Address) -> AddressClass:
    """The class of an address; an IPv6 address that embeds an IPv4 one has the stricter class of the two."""
    if address in _METADATA:
        return AddressClass.METADATA
    if isinstance(address, IPv6Address):
        embedded = _embedded(address)
        if embedded is not None:
            inner = classify(embedded)
            if inner is not AddressClass.PUBLIC:
                return inner
            never = any(address in network for network in _NEVER_PUBLIC)
            return AddressClass.RESERVED if never else AddressClass.PUBLIC
    return _classify_plain(address)


def _classify_plain(address: Address) -> AddressClass:
    if address.is_unspecified:
        return AddressClass.UNSPECIFIED
    if address.is_loopback:
        return AddressClass.LOOPBACK
    if address.is_link_local:
        return AddressClass.LINK_LOCAL
    if address.is_multicast:
        return AddressClass.MULTICAST
    if isinstance(address, IPv4Address) and address in _CGNAT:
        return AddressClass.CGNAT
    if any(address in network for network in _RESERVED if network.version == address.version):
        return AddressClass.RESERVED
    if address.is_private or (isinstance(address, IPv6Address) and address.is_site_local):
        return AddressClass.PRIVATE
    if address.is_reserved or not address.is_global:
        return AddressClass.RESERVED
    return AddressClass.PUBLIC


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv4-mapped, NAT64, 6to4, Teredo or IPv4-compatible one."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    if address in _TEREDO and address.teredo is not None:
        return address.teredo[1]
    if address in _COMPATIBLE and int(address) > 1:
        return IPv4Address(int(address))
    return None


class AddressGuard:
    """Decides whether resolved addresses may be dialled for one connector.

    Everything but public addresses is refused unless listed; a metadata address only passes where it is listed as a
    literal, never by a network that happens to hold it.
    """

    __slots__ = ("_literals", "_networks")

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._literals: set[Address] = set()
        self._networks: list[Network] = []
        for text in allowed:
            self._add(text)

    def _add(self, text: str) -> None:
        try:
            if "/" in text:
                self._networks.append(ip_network(text))
            else:
                self._literals.add(ip_address(text))
        except ValueError:
            raise InvalidValue(f"`{text}` is not an address or CIDR", "write for example `10.0.0.0/8`") from None

    def refusal(self, addresses: Iterable[str]) -> tuple[str, AddressClass] | None:
        """The first address that may not be reached, with its class; one bad address refuses the host."""
        for text in addresses:
            address = ip_address(text.partition("%")[0])
            found = classify_cached(address)
            if found is not AddressClass.PUBLIC and not self._is_listed(address, found):
                return text, found
        return None

    def _is_listed(self, address: Address, found: AddressClass) -> bool:
        if address in self._literals:
            return True
        if found is AddressClass.METADATA:
            return False
        return any(address in network for network in self._networks if network.version == address.version)


def is_loopback(host: str) -> bool:
    """Whether a host, as it stands in a setting or URL, is this machine and no network lies between."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache(maxsize=4096)
def classify_cached(address: Address) -> AddressClass:
    return classify(address)
