"""Changes inputs as fuzzers do: bits, tokens, pieces repeated, dropped, moved and mixed; by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

LARGEST: Final = 80_000  # bytes; a little over what any reader may hold
TOKENS: Final = [
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\x00", b":", b": ", b";", b",", b"%", b"/", b"..", b"\xff"),
    *(
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Host: a\r\n",
        b"Connection: close\r\n",
        b"HTTP/1.1",
    ),
    *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"ffffffffffffffff", b"7fffffffffffffff", b"0x", b"-1", b"1" * 20, b"chunked"),
    *(b"\x16\x03\x01", b"\x16\x03\x03", b"\x15\x03\x03\x00\x02\x02\x00", b"\x17\x03\x03", b"\x01\x00", b"\x00\x00"),
    *(
        b"GET ",
        b"POST ",
        b"CONNECT ",
        b"HTTP/1.0",
        b"HTTP/1.1",
        b"100-continue",
        b"upgrade",
        b"%2e",
        b"%2F",
        b"[::1]",
        b"127.1",
    ),
    *(b"- ", b"\n  ", b"{", b"}", b"[", b"]", b"&a ", b"*a", b"!!", b"|\n", b"'", b'"', b"#", b"---\n", b"? "),
]

Mutation = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def _place(rng: random.Random, data: bytearray) -> tuple[int, int]:
    """A range, mostly a short one."""
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 1, 2, 4, 8, 40, 400)))


def _flip(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _octet(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def _token(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, end = _place(rng, data)
    data[start : rng.choice((start, end))] = rng.choice(TOKENS)


def _drop(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, end = _place(rng, data)
    del data[start:end]


def _repeat(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, end = _place(rng, data)
    data[start:start] = data[start:end] * rng.choice((1, 2, 10, 200, 3000))


def _move(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, end = _place(rng, data)
    piece = data[start:end]
    del data[start:end]
    at = rng.randint(0, len(data))
    data[at:at] = piece


def _truncate(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[rng.randint(0, len(data)) :]


def _mix(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    start, end = sorted((rng.randint(0, len(other)), rng.randint(0, len(other))))
    at, upto = _place(rng, data)
    data[at:upto] = other[start:end]


def _count(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """A length field, one off or far off."""
    if len(data) > 2:
        at = rng.randrange(len(data) - 1)
        value = int.from_bytes(data[at : at + 2], "big") + rng.choice((-1, 1, 256, -256, 1000))
        data[at : at + 2] = (value % 65536).to_bytes(2, "big")


MUTATIONS: Final[tuple[Mutation, ...]] = (
    _flip,
    _octet,
    _token,
    _token,
    _drop,
    _repeat,
    _move,
    _truncate,
    _mix,
    _mix,
    _count,
)


def mutated(rng: random.Random, corpus: Sequence[bytes]) -> bytes:
    """One of the corpus with one to eight changes."""
    data = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4, 8))):
        rng.choice(MUTATIONS)(rng, data, corpus)
    return bytes(data[:LARGEST])
