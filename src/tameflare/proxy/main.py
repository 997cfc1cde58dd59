"""Starting the proxy process."""

from __future__ import annotations

import asyncio
import socket
import sys

import uvloop

from tameflare import settings as names
from tameflare.core.addresses import is_loopback
from tameflare.core.errors import SettingError, TameFlareError
from tameflare.listening import listen
from tameflare.listening_tls import main_listener_speaks_tls
from tameflare.process import harden, hold_lock, inherited_socket, private_directory, raise_file_limit
from tameflare.proxy.plane import Plane
from tameflare.proxy.unraisable import log_unraisable
from tameflare.settings import Settings
from tameflare.telemetry import configure_logs


def main() -> int:
    """Entry of `tf proxy` and of `python -m tameflare.proxy`; the exit code."""
    settings = Settings()
    try:
        settings.check()
        configure_logs(settings)
        log_unraisable()
        harden()
        serve(settings, inherited_socket())
    except TameFlareError as fault:
        print(f"tf: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def serve(settings: Settings, listener: socket.socket | None = None) -> None:
    """Run until SIGTERM or SIGINT. Raises TameFlareError for what keeps the proxy from starting."""
    refuse_plaintext(settings.get(names.PROXY_HOST), encrypted=main_listener_speaks_tls(settings))
    files = raise_file_limit()
    wide = settings.get(names.ALLOW_WIDE_PERMISSIONS)
    directory = private_directory(settings.get(names.DATA_DIR) / "proxy", allow_wide=wide)
    with hold_lock(directory / "proxy.lock", "proxy"):
        if listener is None:
            listener = listen(settings, names.PROXY_HOST, names.PROXY_PORT)
        secured = None
        if settings.is_set(names.PROXY_TLS_PORT):
            secured = listen(settings, names.PROXY_TLS_HOST, names.PROXY_TLS_PORT)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Plane(settings, directory, listener, secured, files).run())


def refuse_plaintext(host: str, *, encrypted: bool = False) -> None:
    """Tokens come over this listener, so without TLS they must not cross a network. Raises SettingError."""
    if not encrypted and not is_loopback(host):
        raise SettingError(
            f"TF_PROXY_HOST `{host}` is not a loopback address and this proxy speaks no TLS to agents",
            "set TF_PROXY_TLS_NAMES to the name that agents use, or TF_PROXY_TLS_CERT and TF_PROXY_TLS_KEY; "
            "or leave it at 127.0.0.1 and run a proxy on each machine that has agents, with TF_LINK_TOKEN",
        )
