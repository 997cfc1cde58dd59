"""Answers that are changed on their way, in whatever pieces they come: framed rightly, ended rightly, or refused."""

from __future__ import annotations

import pytest

from tameflare.core.changes import BodyChange
from tameflare.proxy.answer_changes import AnswerChanges
from tameflare.proxy.response import ResponseEncoded, ResponseReader
from tameflare.wire.framer import FramingFault
from tameflare.wire.masking import Masker

SECRET = b"canary-0123456789"
STARS = b"*" * len(SECRET)
FRAMINGS = {
    "length": b"Content-Length: %d\r\n\r\n%b",
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n",
    "until close": b"X-Length: %d\r\n\r\n%b",
}


class Doubled:
    """Says everything twice, and the end once more; what it says may hold what is to be masked."""

    keeps_length = False

    def feed(self, payload: bytes) -> bytes:
        return payload + payload

    def finish(self) -> bytes:
        return b"." + SECRET


def make(content_type: str) -> BodyChange | None:
    return Doubled() if content_type == "text/odd" else None


MASKED = AnswerChanges(Masker([SECRET]))
FILTERED = AnswerChanges(None, make_filter=make)
BOTH = AnswerChanges(Masker([SECRET]), make_filter=make)


def said(framing: str, body: bytes, fields: bytes = b"Content-Type: text/odd\r\n") -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + fields + FRAMINGS[framing] % (len(body), body)


def read(changes: AnswerChanges | None, pieces: list[bytes], method: str = "GET") -> tuple[ResponseReader, bytes]:
    reader = ResponseReader()
    reader.begin(method, 1, "req_1", changes)
    out = b"".join(reader.feed(piece, keep=True) for piece in pieces if piece)
    return reader, out if reader.done else out + reader.finish()


def payload(out: bytes) -> bytes:
    head, _, body = out.partition(b"\r\n\r\n")
    if b"Content-Length: %d\r\n" % len(body) in head + b"\r\n":
        return body
    assert b"Transfer-Encoding: chunked" in head
    found = b""
    while body != b"0\r\n\r\n":
        size, _, body = body.partition(b"\r\n")
        found, body = found + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return found


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("at_once", [True, False])
def test_masking_at_every_cut(framing: str, at_once: bool) -> None:
    whole = said(framing, b"<" + SECRET + b">")
    for at in range(len(whole)):
        pieces = [whole[:at], whole[at:]] if at_once else [bytes((byte,)) for byte in whole]
        reader, out = read(MASKED, pieces)
        assert (payload(out), reader.flags, reader.done) == (b"<" + STARS + b">", ("masked",), True)
        assert reader.reusable is (framing != "until close")


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("changes", [FILTERED, BOTH])
def test_a_filter_at_every_cut(framing: str, changes: AnswerChanges) -> None:
    whole = said(framing, b"abc")
    for at in range(len(whole)):
        reader, out = read(changes, [whole[:at], whole[at:]])
        end = b"." + (SECRET if changes is FILTERED else STARS)
        assert payload(out) in (b"abcabc" + end, b"aabcbc" + end, b"ababcc" + end)
        assert reader.flags == (() if changes is FILTERED else ("masked",))
        assert b"Content-Length" not in out


@pytest.mark.parametrize("changes", [MASKED, FILTERED, BOTH])
def test_what_needs_no_change_passes_as_without_one(changes: AnswerChanges) -> None:
    for framing in FRAMINGS:
        whole = said(framing, b"<!>", b"Content-Type: text/plain\r\n")
        for at in range(len(whole)):
            pieces = [whole[:at], whole[at:]]
            reader, out = read(changes, pieces)
            assert (out, reader.flags) == (read(None, pieces)[1], ())


@pytest.mark.parametrize("changes", [MASKED, FILTERED, BOTH])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_answer_without_a_body_keeps_what_its_head_says(changes: AnswerChanges, framing: str) -> None:
    head = said(framing, b"").partition(b"\r\n\r\n")[0] + b"\r\nContent-Encoding: gzip\r\n\r\n"
    assert read(changes, [head], "HEAD")[1] == read(None, [head], "HEAD")[1]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [(MASKED, False), (FILTERED, True), (BOTH, True), (AnswerChanges(MASKED.masker, True), True)],
)
def test_what_is_encoded_cannot_be_filtered(changes: AnswerChanges, refused: bool) -> None:
    whole = said("length", SECRET, b"Content-Type: text/odd\r\nContent-Encoding: gzip\r\n")
    reader = ResponseReader()
    reader.begin("GET", 1, "req_1", changes)
    if refused:
        with pytest.raises(ResponseEncoded, match="encoded"):
            reader.feed(whole, keep=True)
    else:
        assert payload(reader.feed(whole, keep=True)) == SECRET
    assert reader.flags == ("encoded_response",)


def test_a_number_in_our_own_framing_is_no_secret() -> None:
    body = b"a" * 12345
    _, out = read(AnswerChanges(Masker([b"12345"])), [said("length", body, b"X-Echo: 12345\r\n")])
    assert b"X-Echo: *****\r\n" in out
    assert payload(out) == body


def test_a_cut_answer_is_a_fault_with_masking_too() -> None:
    reader = ResponseReader()
    reader.begin("GET", 1, "req_1", MASKED)
    shown = reader.feed(said("length", b"<!>" + SECRET)[:-2], keep=True)
    assert shown.endswith(b"\r\n\r\n<!>")
    with pytest.raises(FramingFault, match="early"):
        reader.finish()


def test_flags_do_not_outlive_their_answer() -> None:
    reader, _ = read(MASKED, [said("length", SECRET)])
    assert reader.flags == ("masked",)
    reader.begin("GET", 1, "req_2", MASKED)
    reader.feed(said("length", b"abc"), keep=True)
    assert reader.flags == ()
