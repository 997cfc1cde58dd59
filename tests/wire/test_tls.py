"""The TLS shell against Python's own client, and against itself."""

from __future__ import annotations

import ssl
import tracemalloc
from pathlib import Path

import pytest
from tests.wire.tls_pairs import HOST, client_context, pair, server_context

from tameflare.wire.heads import head_end
from tameflare.wire.sniff import FirstBytes, sniff
from tameflare.wire.tls import TlsFault, TlsShell

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
MEBIBYTE = 1 << 20


@pytest.mark.parametrize("version", VERSIONS)
def test_handshake_and_both_directions(version: ssl.TLSVersion) -> None:
    ends = pair(newest=version).shake()
    assert ends.server.version == version.name.replace("_", ".")
    assert ends.server.receive(ends.client_says(b"GET /")) == b"GET /"
    assert ends.client_reads(ends.server.send(b"200")) == b"200"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_byte_alone(version: ssl.TLSVersion) -> None:
    ends = pair(newest=version)
    for _ in range(4):
        for octet in ends.client_step():
            assert ends.server.receive(bytes([octet])) == b""
            ends.to_client.write(ends.server.outgoing())
    assert ends.server.handshaken
    request = ends.client_says(b"a request")
    assert b"".join([ends.server.receive(bytes([octet])) for octet in request]) == b"a request"


def test_the_last_flight_and_the_request_in_one_piece() -> None:
    ends = pair()
    ends.server.receive(ends.client_step())
    ends.to_client.write(ends.server.outgoing())
    finished = ends.client_step()
    assert ends.server.receive(finished + ends.client_says(b"early")) == b"early"
    assert ends.server.handshaken


def test_a_client_hello_that_arrives_with_the_connect() -> None:
    """What follows the CONNECT in the same read is sniffed and given to the shell; nothing has to be put back."""
    ends = pair()
    read = b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n" + ends.client_step()
    hello = read[head_end(read) :]
    assert sniff(hello) is FirstBytes.TLS
    assert ends.server.receive(hello) == b""
    assert ends.server.sni == HOST
    ends.to_client.write(ends.server.outgoing())
    ends.shake()


def test_the_server_name_is_per_connection() -> None:
    context = server_context()
    named, numbered, waiting = pair(server=context), pair("192.0.2.1", server=context), pair(server=context)
    named.shake()
    numbered.shake()
    assert (named.server.sni, numbered.server.sni, waiting.server.sni) == (HOST, None, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_half_close(version: ssl.TLSVersion) -> None:
    """The peer's close_notify ends its direction only."""
    ends = pair(newest=version).shake()
    last = ends.client_says(b"last words")
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.unwrap()
    assert ends.server.receive(last + ends.from_client.read()) == b"last words"
    assert ends.server.peer_closed
    assert ends.server.receive(b"whatever") == b""
    if version is ssl.TLSVersion.TLSv1_3:
        assert ends.client_reads(ends.server.send(b"late answer")) == b"late answer"
    assert ends.server.close() != b""


def test_our_close_notify() -> None:
    """After it the peer may still send, and the shell still reads."""
    ends = pair().shake()
    ends.to_client.write(ends.server.close())
    late = ends.client_says(b"late")
    assert ends.client.read(10) == b""
    assert ends.server.receive(late) == b"late"
    assert not ends.server.peer_closed
    assert ends.server.close() == b""
    with pytest.raises(TlsFault):
        ends.server.send(b"after the end")


def test_closing_before_the_handshake_says_nothing() -> None:
    assert pair().server.close() == b""


def test_sending_before_the_handshake_is_a_fault() -> None:
    with pytest.raises(TlsFault):
        pair().server.send(b"too early")


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"])
def test_a_broken_client_hello_is_answered_by_an_alert(garbage: bytes) -> None:
    shell = pair().server
    with pytest.raises(TlsFault) as caught:
        shell.receive(garbage)
    assert caught.value.reason
    assert shell.outgoing()[:1] == b"\x15"


@pytest.mark.parametrize(
    ("garbage", "reason"),
    [(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http_request"), (b"\xff" * 64, "wrong_version_number")],
)
def test_what_is_no_tls_at_all_gets_no_alert(garbage: bytes, reason: str) -> None:
    shell = pair().server
    with pytest.raises(TlsFault) as caught:
        shell.receive(garbage)
    assert caught.value.reason == reason
    assert shell.outgoing() == b""


def test_garbage_instead_of_the_last_flight_is_answered_by_an_alert() -> None:
    ends = pair()
    ends.server.receive(ends.client_step())
    assert ends.server.outgoing() != b""
    with pytest.raises(TlsFault):
        ends.server.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert ends.server.outgoing()[:1] in (b"\x15", b"\x17")


def test_a_tampered_record_is_answered_by_an_alert() -> None:
    ends = pair().shake()
    record = bytearray(ends.client_says(b"transfer 100"))
    record[-1] ^= 1
    with pytest.raises(TlsFault) as caught:
        ends.server.receive(bytes(record))
    assert "mac" in caught.value.reason
    assert ends.server.outgoing() != b""


def test_a_client_that_does_not_trust_us_says_so() -> None:
    """The alert that people meet when the proxy's authority is not installed."""
    stranger = TlsShell(ssl.create_default_context(), server_side=False, server_hostname=HOST)
    server = pair().server
    server.receive(stranger.outgoing())
    with pytest.raises(TlsFault) as refused:
        stranger.receive(server.outgoing())
    with pytest.raises(TlsFault) as told:
        server.receive(stranger.outgoing())
    assert refused.value.reason == "certificate_verify_failed"
    assert told.value.reason == "tlsv1_alert_unknown_ca"


def test_two_shells_talk() -> None:
    server = TlsShell(server_context(), server_side=True)
    client = TlsShell(client_context(), server_side=False, server_hostname=HOST)
    for _ in range(3):
        server.receive(client.outgoing())
        client.receive(server.outgoing())
    assert server.handshaken
    assert client.handshaken
    assert client.receive(server.send(b"x" * 100_000)) == b"x" * 100_000


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 300_000])
def test_any_size_in_one_piece(size: int) -> None:
    ends = pair().shake()
    assert ends.server.receive(ends.client_says(b"x" * size)) == b"x" * size
    assert ends.client_reads(ends.server.send(b"y" * size)) == b"y" * size


def resident() -> int:
    """Resident bytes of this process, where OpenSSL's buffers count too."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from Linux's /proc")
def test_memory_stays_bounded_over_100_megabytes_each_way() -> None:
    ends = pair().shake()
    piece = bytes(256 * 1024)

    def both_ways(mebibytes: int) -> None:
        for _ in range(mebibytes * MEBIBYTE // len(piece)):
            assert len(ends.server.receive(ends.client_says(piece))) == len(piece)
            assert len(ends.client_reads(ends.server.send(piece))) == len(piece)

    both_ways(8)
    before = resident()
    tracemalloc.start()
    both_ways(100)
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert resident() - before < 4 * MEBIBYTE
    assert held < MEBIBYTE
