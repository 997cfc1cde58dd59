"""TLS handshakes with a server context, over a real socket."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[int]:
    """A server on loopback that shakes hands with each caller and says one line; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:  # shut down: the test is over
            return
        with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as wrapped:
            wrapped.sendall(b"hello\n")


def strict_client(ca: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@dataclass(frozen=True)
class Shaken:
    """What a client learnt in its handshake."""

    version: str | None
    protocol: str | None
    certificate: bytes


def shake(client: ssl.SSLContext, port: int, host: str) -> Shaken:
    """Raises ssl.SSLError where the client does not trust the server."""
    with socket.create_connection(("127.0.0.1", port)) as plain, client.wrap_socket(plain, server_hostname=host) as tls:
        assert tls.recv(6) == b"hello\n"
        return Shaken(tls.version(), tls.selected_alpn_protocol(), tls.getpeercert(binary_form=True) or b"")


def python313() -> str | None:
    """An interpreter of Python 3.13, if this machine has one that starts."""
    places = [shutil.which("python3.13"), *map(str, Path.home().glob(".pyenv/versions/3.13*/bin/python3.13"))]
    for place in filter(None, places):
        environment = {"PATH": os.environ.get("PATH", "")}
        if subprocess.run([place, "-V"], capture_output=True, env=environment).returncode == 0:
            return place
    return None
