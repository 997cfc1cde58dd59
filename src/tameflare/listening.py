"""Listening sockets, bound where the settings say, and faults that name the setting to change."""

from __future__ import annotations

import errno
import socket
from typing import Any, Final

from tameflare.core.errors import SettingError, TameFlareError
from tameflare.settings import Setting, Settings

BACKLOG: Final = 4096


def listen(settings: Settings, host: Setting[str], port: Setting[Any]) -> socket.socket:
    """A listening socket at the address of these settings (an unset port counts as 0). Raises TameFlareError naming the
    setting to change."""
    address, number = settings.get(host), int(settings.get(port) or 0)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, number, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise SettingError(f"{host.name} `{address}` is no address of this machine", f"correct {host.name}") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError as fault:
        listener.close()
        raise _cannot_listen(fault, address, number, host, port) from None
    listener.setblocking(False)
    return listener


def _cannot_listen(fault: OSError, address: str, number: int, host: Setting[str], port: Setting[Any]) -> TameFlareError:
    if fault.errno == errno.EADDRINUSE:
        return TameFlareError(
            f"port {number} on {address} is in use", f"stop what uses it (`ss -ltnp`), or set {port.name}"
        )
    if fault.errno == errno.EADDRNOTAVAIL:
        return SettingError(f"{host.name} `{address}` is no address of this machine", f"correct {host.name}")
    return TameFlareError(f"cannot listen on {address} port {number}: {fault.strerror}", f"set {port.name}")
