"""What a tunnel carries, told by as few bytes as will do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.wire.sniff import FirstBytes, sniff

HELLO = b"\x16\x03\x01\x02\x00\x01"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (HELLO, FirstBytes.TLS),
        (HELLO + b"rest", FirstBytes.TLS),
        (b"GET / HTTP/1.1\r\n", FirstBytes.HTTP),
        (b"DELETE ", FirstBytes.HTTP),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", FirstBytes.OTHER),
        (b"SSH-2.0-OpenSSH_9.2\r\n", FirstBytes.OTHER),
        (b"EHLO mail.example\r\n", FirstBytes.OTHER),
        (b"get / HTTP/1.1", FirstBytes.OTHER),
        (b"\x16\x02", FirstBytes.OTHER),
        (b"\x16\x03\x05", FirstBytes.OTHER),
        (b"\x16\x03\x01\x00\x05\x02", FirstBytes.OTHER),
        (b"\x17\x03\x03", FirstBytes.OTHER),
        (b"\x80\x2e\x01\x03\x01", FirstBytes.OTHER),
        (b"\x00", FirstBytes.OTHER),
        (b"", FirstBytes.MORE),
    ],
)
def test_first_bytes(data: bytes, what: FirstBytes) -> None:
    assert sniff(data) is what


@pytest.mark.parametrize("data", [HELLO, b"OPTIONS ", b"GET "])
def test_undecided_until_the_last_byte_that_matters(data: bytes) -> None:
    assert {sniff(data[:size]) for size in range(len(data))} == {FirstBytes.MORE}
    assert sniff(data) in (FirstBytes.TLS, FirstBytes.HTTP)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_a_decision_stands_whatever_comes_next(data: bytes, more: bytes) -> None:
    decided = sniff(data)
    assert decided in (FirstBytes.MORE, sniff(data + more))


@given(st.binary(min_size=20))
def test_twenty_bytes_always_decide(data: bytes) -> None:
    assert sniff(data) is not FirstBytes.MORE
