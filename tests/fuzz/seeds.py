"""The first inputs of each target, from which the kept ones have grown."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.resistance.smuggling.ambiguous import CASES
from tests.resistance.smuggling.answers import ANSWERS
from tests.wire.tls_pairs import pair

from tameflare.core.policy import packs

GOLDEN: Final = Path(__file__).parents[1] / "golden"
LAST: Final = b"0\r\n\r\n"


def _heads(messages: tuple[bytes, ...]) -> list[bytes]:
    found = [message.replace(b"@P", b"/p").replace(b"@H", b"a.example") for message in messages]
    return [message[: message.index(b"\r\n\r\n") + 4] for message in found if b"\r\n\r\n" in message]


def _bodies() -> list[bytes]:
    return [case.partition(b"\r\n\r\n")[2] for case in CASES if b"Transfer-Encoding: chunked\r\n\r\n" in case]


def _hello(name: str | None = "api.example") -> bytes:
    return pair(name).client_step()


def _in_records(hello: bytes, size: int) -> bytes:
    body = hello[5:]
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in cut)


def _tls() -> list[bytes]:
    hello = _hello()
    ends = pair()
    ends.server.receive(ends.client_step())
    ends.to_client.write(ends.server.outgoing())
    finished = ends.client_step()
    alerts = [b"\x15\x03\x03\x00\x02\x01\x00", b"\x15\x03\x03\x00\x02\x02\x28", b"\x14\x03\x03\x00\x01\x01"]
    return [
        *(b"\x00" + data for data in (hello, hello + finished, b"GET / HTTP/1.1\r\n\r\n", *alerts)),
        *(bytes([phase]) + data for phase in (1, 2, 3) for data in (hello, finished, b"", *alerts)),
    ]


def _policies() -> list[bytes]:
    """Those of the packs, and those of the golden trials one by one."""
    texts = [packs.source(name) for name in packs.names()]
    for file in sorted(GOLDEN.glob("*.policytest")):
        texts += file.read_text("utf-8").partition("----------")[0].split("---\n")
    return [text.encode() for text in texts] + [b"%YAML 1.2\n---\n&a [*a, ? {b: !!int 5}]\n...\n"]


def seeds() -> dict[str, list[bytes]]:
    """Inputs by the name of their target."""
    hellos = [
        _hello(),
        _hello(None),
        _in_records(_hello(), 1),
        _in_records(_hello(), 100),
        _hello("x" * 60 + ".example"),
    ]
    places = ["/a/b?c=d", "https://api.example:8443/x?y", "[::1]:443", "api.example", "/%7Eu/%2F;x", "/a/../b", "127.1"]
    return {
        "request_head": _heads(CASES),
        "response_head": _heads(ANSWERS),
        "chunked": [b"5\r\nhello\r\n" + LAST, b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\nrest", *_bodies()],
        "answer": [bytes([number % 8]) + said for number, said in enumerate(ANSWERS)],
        "first_bytes": [_hello()[:20], b"GET / HTTP/1.1", b"OPTIONS * ", b"SSH-2.0-x", b"PRI * HTTP/2.0", b"\x16\x03"],
        "client_hello": hellos,
        "tls": _tls(),
        "mutated_handshake": [bytes(3 * count) for count in range(1, 6)],
        "where": [place.encode() for place in places],
        "policy": _policies(),
    }
