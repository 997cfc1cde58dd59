"""Both ends of a TLS connection without sockets, for tests of the shell."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cache

import trustme

from tameflare.wire.tls import TlsShell

HOST = "api.example"


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority().issue_cert(HOST, "192.0.2.1").configure_cert(context)
    return context


def client_context(newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.create_default_context()
    _authority().configure_trust(context)
    context.maximum_version = newest
    return context


@dataclass
class Pair:
    """A shell as server, and an independent client: ssl.SSLObject as Python gives it."""

    server: TlsShell
    client: ssl.SSLObject
    to_client: ssl.MemoryBIO
    from_client: ssl.MemoryBIO

    def client_step(self) -> bytes:
        """Lets the client's handshake go on; its ciphertext."""
        try:
            self.client.do_handshake()
        except ssl.SSLWantReadError:
            return self.from_client.read()
        return self.from_client.read()

    def client_says(self, plain: bytes) -> bytes:
        sent = 0
        while sent < len(plain):
            sent += self.client.write(plain[sent:])
        return self.from_client.read()

    def client_reads(self, ciphertext: bytes) -> bytes:
        self.to_client.write(ciphertext)
        plain = b""
        while True:
            try:
                piece = self.client.read(65536)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                return plain
            if not piece:
                return plain
            plain += piece

    def shake(self) -> Pair:
        for _ in range(4):
            self.server.receive(self.client_step())
            self.to_client.write(self.server.outgoing())
        assert self.server.handshaken
        return self


def pair(
    name: str | None = HOST, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, server: ssl.SSLContext | None = None
) -> Pair:
    to_client, from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(newest).wrap_bio(to_client, from_client, server_hostname=name)
    shell = TlsShell(server or server_context(), server_side=True)
    return Pair(shell, client, to_client, from_client)
