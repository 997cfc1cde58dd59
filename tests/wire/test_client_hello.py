"""The server name read from a ClientHello that stays closed."""

from __future__ import annotations

import time
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.tls_pairs import HOST, client_context

from tameflare.wire.client_hello import LARGEST, HelloFault, HelloReader, server_name
from tameflare.wire.tls import TlsShell


@cache
def hello(name: str) -> bytes:
    return TlsShell(client_context(), server_side=False, server_hostname=name).outgoing()


def records(data: bytes, size: int) -> bytes:
    """The same handshake message in records of at most `size` bytes."""
    message = data[5:]
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(data[:3] + len(piece).to_bytes(2, "big") + piece for piece in pieces)


def test_the_name_of_a_whole_hello() -> None:
    assert server_name(hello(HOST)) == (True, HOST)


def test_an_address_is_no_name() -> None:
    assert server_name(hello("192.0.2.1")) == (True, None)


def test_undecided_until_the_last_byte() -> None:
    whole = hello(HOST)
    assert {server_name(whole[:size]) for size in range(len(whole))} == {(False, None)}


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_hello_in_several_records(size: int) -> None:
    assert server_name(records(hello(HOST), size)) == (True, HOST)


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"]
)
def test_what_is_no_hello(data: bytes) -> None:
    with pytest.raises(HelloFault):
        server_name(data)


def test_a_hello_has_a_largest_size() -> None:
    endless = b"\x16\x03\x01\xff\xff\x01\xff\xff\xff" + bytes(LARGEST)
    with pytest.raises(HelloFault):
        server_name(endless)


@given(st.data())
def test_damage_is_a_fault_or_an_answer(data: st.DataObject) -> None:
    """Never anything but HelloFault, whatever the bytes."""
    whole = bytearray(hello(HOST))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        complete, name = server_name(bytes(whole))
    except HelloFault:
        return
    assert complete or name is None


def test_tiny_records_and_pieces_cost_no_more_than_their_bytes() -> None:
    """65,000 bytes in records of one byte, each byte by itself: read again for every byte it would take minutes."""
    claimed = b"\x01\x00\xff\xff" + bytes(10_800)
    records = b"".join(b"\x16\x03\x01\x00\x01" + claimed[at : at + 1] for at in range(len(claimed)))
    reader, began = HelloReader(), time.process_time()
    assert {reader.feed(records[at : at + 1]) for at in range(len(records))} == {(False, None)}
    assert time.process_time() - began < 5
