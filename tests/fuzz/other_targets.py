"""What must hold for any bytes that are read as TLS, as the beginning of something, or as where a request goes."""

from __future__ import annotations

import ssl
from functools import cache

from tests.wire.tls_pairs import HOST, Pair, client_context, server_context

from tameflare.wire.client_hello import LARGEST, HelloFault, HelloReader, server_name
from tameflare.wire.sniff import FirstBytes, sniff
from tameflare.wire.target import (
    TargetFault,
    normalise_host,
    normalise_path,
    parse_absolute,
    parse_authority,
    parse_target,
)
from tameflare.wire.tls import TlsFault, TlsShell

SAID = b"GET / HTTP/1.1\r\n"


def _declared(fault: TlsFault | TargetFault) -> None:
    assert fault.message
    assert fault.reason if isinstance(fault, TlsFault) else fault.code


def first_bytes(data: bytes) -> None:
    decided = sniff(data)
    for size in range(min(len(data), 24)):
        assert sniff(data[:size]) in (FirstBytes.MORE, decided), "a decision was taken back"
    assert decided is not FirstBytes.MORE or len(data) < 24


@cache
def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server and of a client that trusts it."""
    return server_context(), client_context()


def _pair() -> Pair:
    server, client = _contexts()
    to_client, from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    shell = TlsShell(server, server_side=True)
    return Pair(shell, client.wrap_bio(to_client, from_client, server_hostname=HOST), to_client, from_client)


def _in_pieces(data: bytes) -> tuple[bool, str | None] | None:
    """What is read of a hello that arrives a few bytes at a time; None for a fault."""
    reader, read = HelloReader(), (False, None)
    try:
        for at in range(0, len(data), 7):
            read = reader.feed(data[at : at + 7])
            if read[0]:
                break
    except HelloFault:
        return None
    return read


def client_hello(data: bytes) -> None:
    cut = _in_pieces(data[:LARGEST])
    try:
        whole, name = server_name(data[:LARGEST])
    except HelloFault:
        assert cut is None
        return
    assert cut == (whole, name), "the cut changes what is read"
    assert whole or name is None
    if not whole:
        return
    assert server_name(data + b"more") == (True, name), "what comes later changes the name"
    if name is not None and not name.isascii():
        return  # the handshake fails there, and Python says on stderr why
    shell = _pair().server
    try:
        shell.receive(data)
    except TlsFault:
        return
    assert shell.sni == (name or None) or (name is not None and shell.sni is None), "OpenSSL reads another name"


def tls(data: bytes) -> None:
    """The first octet chooses how far the handshake has come; the rest is what the client says next."""
    ends = _pair()
    phase = data[0] % 4 if data else 0
    try:
        _talk(ends, phase, data[1:])
    except TlsFault as fault:
        _declared(fault)
    assert len(ends.server.outgoing()) < 100_000


def _talk(ends: Pair, phase: int, data: bytes) -> None:
    if phase == 1:
        ends.server.receive(ends.client_step())
    elif phase >= 2:
        ends.shake()
    known = ends.client_says(SAID) if phase == 3 else b""
    plain = ends.server.receive(known + data)
    assert plain == (SAID if phase == 3 else b""), "plaintext that nobody sent"


def mutated_handshake(data: bytes) -> None:
    """A real handshake of which octets are changed: places and values come from the data."""
    ends = _pair()
    changes = [(data[at] * 256 + data[at + 1], data[at + 2]) for at in range(0, len(data) - 2, 3)][:8]
    try:
        for flight in range(4):
            said = bytearray(ends.client_step())
            for place, value in changes:
                if said and place % 3 == flight:
                    said[place % len(said)] ^= value
            assert ends.server.receive(bytes(said)) == b""
            ends.to_client.write(ends.server.outgoing())
    except TlsFault as fault:
        _declared(fault)
    except OSError:  # the client's own refusal of what a changed hello led to
        return


def where(data: bytes) -> None:
    text = data[:2000].decode("latin-1")
    for read in (parse_target, parse_absolute, parse_authority):
        try:
            read(text)
        except TargetFault as fault:
            _declared(fault)
    for normalise in (normalise_path, normalise_host):
        try:
            once = normalise(text)
        except TargetFault:
            continue
        assert normalise(once) == once, "normalised twice, something else"
        assert once.isascii()
