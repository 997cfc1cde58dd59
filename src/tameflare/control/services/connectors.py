"""What a connector must be like before it is stored."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tameflare.connectors import registry
from tameflare.control.services.faults import Fault, Invalid
from tameflare.core.addresses import AddressGuard
from tameflare.core.config import ConnectorConfig
from tameflare.core.errors import InvalidValue

_LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_DOMAIN: Final = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*|[0-9a-f:.]*:[0-9a-f:.]*")

_HTTPS: Final = (443,)
_REENTER: Final = "send the credential again as `secret`, or delete it first"


def check(config: ConnectorConfig) -> None:
    """Raises Invalid with every fault."""
    faults = [
        *(_domain(index, domain) for index, domain in enumerate(config.domains)),
        *(_address(index, address) for index, address in enumerate(config.allow_addresses)),
        *(_port(index, port) for index, port in enumerate(config.ports)),
        _paths(config),
        _registered(config),
    ]
    found = [fault for fault in faults if fault is not None]
    if found:
        raise Invalid(found)


def keep_in_reach(before: ConnectorConfig, after: ConnectorConfig) -> None:
    """Refuse a change by which a stored credential would go where it has not gone: whoever may change a connector may
    not read its credential, and must not have it sent to a host of his own instead. Raises Invalid."""
    faults = [Fault(field, "the stored credential would go there as well", _REENTER) for field in _wider(before, after)]
    if faults:
        raise Invalid(faults)


def _wider(before: ConnectorConfig, after: ConnectorConfig) -> list[str]:
    hosts = set(registry.create(after).domains) - set(registry.create(before).domains)
    ports = set(after.ports or _HTTPS) - set(before.ports or _HTTPS)
    plaintext = after.allow_plaintext and not before.allow_plaintext
    wider = {"domains": hosts, "ports": ports, "allow_plaintext": plaintext}
    return [field for field, found in wider.items() if found]


def _domain(index: int, domain: str) -> Fault | None:
    if _DOMAIN.fullmatch(domain):
        return None
    help_text = "write a host name in lower case without port or path, as `api.example.com` or `*.example.com`"
    return Fault(f"domains.{index}", f"`{domain}` is not a host name", help_text)


def _address(index: int, address: str) -> Fault | None:
    try:
        AddressGuard([address])
    except InvalidValue as fault:
        return Fault(f"allow_addresses.{index}", fault.message, fault.help)
    return None


def _port(index: int, port: int) -> Fault | None:
    return None if 0 < port < 65536 else Fault(f"ports.{index}", f"`{port}` is not a port", "write 1 to 65535")


def _paths(config: ConnectorConfig) -> Fault | None:
    if config.type not in registry.TYPES:
        return None
    try:
        registry.check_paths(config)
    except InvalidValue as fault:
        return Fault("paths", fault.message, fault.help)
    return None


def _registered(config: ConnectorConfig) -> Fault | None:
    """What the type itself refuses; what is faulty by itself has been told of."""
    sound = tuple(domain for domain in config.domains if _DOMAIN.fullmatch(domain))
    domains = sound or (("a.test",) if config.domains else ())
    try:
        registry.create(msgspec.structs.replace(config, domains=domains, ports=(), paths=()))
    except InvalidValue as fault:
        return Fault(_field(config), fault.message, fault.help)
    return None


def _field(config: ConnectorConfig) -> str:
    if config.type not in registry.TYPES:
        return "type"
    if registry.describe(config.type).needs_domains and not config.domains:
        return "domains"
    return "auth"
