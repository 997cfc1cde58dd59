"""A peer that changes its keys again and again (RFC 8446 §4.6.3) is cut off; one that does so now and then is not."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tameflare.wire.tls import TlsFault, TlsShell

HANDSHAKE, KEY_UPDATE = 22, 24


def expanded(secret: bytes, label: str, size: int) -> bytes:
    """HKDF-Expand-Label, RFC 8446 §7.1."""
    name = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    return HKDFExpand(SHA384(), size, info).derive(secret)


def updates(secret: bytes) -> Iterator[bytes]:
    """Records that each say: my keys change now. `secret` is the sender's, and each record is its first under it."""
    while True:
        key, nonce = expanded(secret, "key", 32), expanded(secret, "iv", 12)
        inner = bytes([KEY_UPDATE, 0, 0, 1, 0, HANDSHAKE])
        head = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        yield head + AESGCM(key).encrypt(nonce, inner, head)
        secret = expanded(secret, "traffic upd", 48)


@pytest.fixture
def server(tmp_path: Path) -> tuple[TlsShell, Iterator[bytes]]:
    """A server after its handshake, and the records of a client that only changes its keys."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    authority.issue_cert("api.test").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    trusting.keylog_filename = str(tmp_path / "keys")
    theirs = TlsShell(trusting, server_side=False, server_hostname="api.test")
    ours = TlsShell(context, server_side=True)
    while not ours.handshaken:
        ours.receive(theirs.outgoing())
        theirs.receive(ours.outgoing())
    assert theirs.version == "TLSv1.3"
    lines = (tmp_path / "keys").read_text().splitlines()
    secret = next(line.split()[2] for line in lines if line.startswith("CLIENT_TRAFFIC_SECRET_0 "))
    return ours, updates(bytes.fromhex(secret))


def test_new_keys_now_and_then_are_taken(server: tuple[TlsShell, Iterator[bytes]]) -> None:
    ours, records = server
    for _ in range(100):
        assert ours.receive(next(records)) == b""


@pytest.mark.parametrize("together", [1, 5000], ids=["one by one", "in one packet"])
def test_new_keys_without_end_are_a_fault(server: tuple[TlsShell, Iterator[bytes]], together: int) -> None:
    ours, records = server
    with pytest.raises(TlsFault, match="too many records without data"):
        feed(ours, (b"".join(next(records) for _ in range(together)) for _ in range(5000 // together)))


def feed(shell: TlsShell, packets: Iterator[bytes]) -> None:
    for packet in packets:
        shell.receive(packet)
