"""From a host to the addresses that may be dialled: resolved once, guarded, and dialled as they were checked."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

from tameflare.core.addresses import AddressGuard
from tameflare.core.decision import Reason
from tameflare.proxy.refusal import Refusal
from tameflare.setting_values import Pins

Place = tuple[str, int]
"""An address and a port, ready to be dialled."""


class Resolver:
    """`pins` are the operator's own addresses, which count as listed."""

    def __init__(self, pins: Pins) -> None:
        self._pins = pins

    async def resolve(self, host: str, port: int, guard: AddressGuard) -> list[Place] | Refusal:
        """The addresses to dial in order of preference; one bad answer refuses the host."""
        pinned = self._pins.get((host, port))
        if pinned is not None:
            return [pinned]
        addresses = await _look_up(host, port)
        if not addresses:
            return Refusal(Reason.UPSTREAM_UNREACHABLE, f"`{host}` cannot be resolved")
        refused = guard.refusal(addresses)
        if refused is not None:
            address, kind = refused
            return Refusal(Reason.ADDRESS_REFUSED, f"`{host}` leads to the {kind.value} address `{address}`")
        return [(address, port) for address in addresses]


async def _look_up(host: str, port: int) -> list[str]:
    if _is_address(host):
        return [host]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
