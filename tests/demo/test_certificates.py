"""Certificates of the doubles satisfy strict clients, and only those that were told of their authority."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tameflare.demo.certificates import ServerCertificate, make_certificates

HOST = "api.github.com"


def shake_hands(made: ServerCertificate, trust: ssl.SSLContext, host: str = HOST) -> None:
    """One TLS handshake over a pair of sockets; raises what the client raises."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.certificate, made.key)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        trust.wrap_socket(ours, server_hostname=host).close()
    finally:
        ours.close()
        thread.join(10)


def trusting(made: ServerCertificate) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=made.authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def test_strict_clients_accept_it(tmp_path: Path) -> None:
    made = make_certificates(tmp_path, [HOST, "slack.com"])
    shake_hands(made, trusting(made))
    assert made.key.stat().st_mode & 0o077 == 0


def test_another_host_is_refused(tmp_path: Path) -> None:
    made = make_certificates(tmp_path, [HOST])
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(made, trusting(made), "api.openai.com")


def test_nobody_else_trusts_it(tmp_path: Path) -> None:
    made = make_certificates(tmp_path, [HOST])
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(made, ssl.create_default_context())


def test_it_expires_after_a_day(tmp_path: Path) -> None:
    made = make_certificates(tmp_path, [HOST], datetime.now(UTC) - timedelta(days=2))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(made, trusting(made))
