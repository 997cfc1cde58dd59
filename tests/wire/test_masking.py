"""Whatever the pieces: what belongs to an occurrence becomes stars and nothing else; nothing waits for no reason."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tameflare.wire.masking import MaskedBody, Masker

SECRET = b"canary-0123456789"
LETTERS = st.lists(st.sampled_from([b"a", b"b", b"c", b"*", b"\n"]), max_size=24).map(b"".join)
PATTERNS = st.lists(LETTERS.filter(bool).map(lambda text: text[:6]), min_size=1, max_size=5)


def expected(patterns: list[bytes], text: bytes) -> bytes:
    """By the definition: a byte is covered if some pattern occurs around it."""
    out = bytearray(text)
    for pattern in patterns:
        for at in range(len(text)):
            if text.startswith(pattern, at):
                out[at : at + len(pattern)] = b"*" * len(pattern)
    return bytes(out)


def ordinary(patterns: list[bytes], text: bytes) -> int:
    """How long the end of the text is that could stand in a credential, as long as the patterns have room for it."""
    end = re.search(rb"[A-Za-z0-9\-_.~+/=%\\" + re.escape(b"".join(patterns)) + rb"]*\Z", text)
    assert end is not None
    return min(len(end[0]), max(map(len, patterns)) - 1)


def run(body: MaskedBody, pieces: list[bytes]) -> bytes:
    return b"".join([*map(body.feed, pieces), body.finish()])


def cut(text: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@given(PATTERNS, LETTERS, st.lists(st.integers(0, 24), max_size=6))
@example([b"ab", b"bc"], b"abc", [1, 2])
@example([b"aaa"], b"aaaaa", [3])
@example([b"aba", b"bab"], b"ababab", [2, 4])
@example([b"abc", b"b"], b"ab", [1])
def test_exactly_what_patterns_cover_becomes_stars(patterns: list[bytes], text: bytes, places: list[int]) -> None:
    masker = Masker(patterns)
    body = masker.stream()
    assert run(body, cut(text, places)) == expected(patterns, text)
    assert masker.mask(text) == expected(patterns, text)
    assert body.masked is any(pattern in text for pattern in patterns) is not masker.is_clean(text)


@given(PATTERNS, LETTERS, st.lists(st.integers(0, 24), max_size=6))
@example([b"abcd", b"bcx"], b"abc", [])
def test_only_what_could_stand_in_a_credential_waits(patterns: list[bytes], text: bytes, places: list[int]) -> None:
    body = Masker(patterns).stream()
    arrived = sent = 0
    for piece in cut(text, places):
        arrived += len(piece)
        sent += len(body.feed(piece))
        assert arrived - sent == ordinary(patterns, text[:arrived])
    assert sent + len(body.finish()) == len(text)


@given(st.integers(0, len(SECRET) - 1), st.integers(0, 40), st.sampled_from([b"", b"\n", b'"}', b" "]))
def test_pieces_do_not_tell_a_good_guess_from_a_bad_one(right: int, before: int, after: bytes) -> None:
    """An agent has its guesses repeated to it and looks at the size of each piece."""
    good = b"x" * before + SECRET[:right] + after
    bad = b"x" * before + SECRET[:right][:-1] + (b"z" if right else b"") + after
    ours, theirs = Masker([SECRET]).stream(), Masker([SECRET]).stream()
    assert [len(ours.feed(good)), len(ours.feed(b"y\n"))] == [len(theirs.feed(bad)), len(theirs.feed(b"y\n"))]


@pytest.mark.parametrize("at", range(len(SECRET) + 1))
def test_an_event_is_never_late(at: int) -> None:
    """What ends as events do goes at once, even after half a secret."""
    body = Masker([SECRET]).stream()
    event = b"data: " + SECRET[:at] + b"\n\n"
    assert body.feed(event) == (event if at < len(SECRET) else b"data: " + b"*" * at + b"\n\n")
    assert body.finish() == b""


def test_what_waits_comes_with_what_follows_or_at_the_end() -> None:
    body = Masker([SECRET]).stream()
    assert [body.feed(b"is it c"), body.feed(b"anar"), body.feed(b"y?"), body.feed(b"-can")] == [
        b"is it ", b"", b"canary?", b"",
    ]  # fmt: skip
    assert (body.finish(), body.finish(), body.masked) == (b"-can", b"", False)


def test_stars_of_an_occurrence_stay_when_its_end_waits() -> None:
    """The last letters of one occurrence may begin another."""
    body = Masker([b"abcab"]).stream()
    assert [body.feed(b"abcab"), body.feed(b"x!"), body.finish()] == [b"*", b"****x!", b""]


def test_every_cut_of_everything_that_holds_the_secret() -> None:
    text = b"<" + SECRET + SECRET + b"-" + SECRET[:-1] + b">"
    wanted = b"<" + b"*" * 2 * len(SECRET) + b"-" + SECRET[:-1] + b">"
    for one in range(len(text)):
        for other in range(one, len(text)):
            assert run(Masker([SECRET]).stream(), [text[:one], text[one:other], text[other:]]) == wanted


def test_one_byte_at_a_time() -> None:
    text = SECRET[:9] + SECRET + b"."
    assert run(Masker([SECRET]).stream(), [bytes((byte,)) for byte in text]) == SECRET[:9] + b"*" * 17 + b"."


@pytest.mark.parametrize("patterns", [[], [b""]])
def test_without_patterns_everything_passes(patterns: list[bytes]) -> None:
    masker = Masker(patterns)
    body = masker.stream()
    assert (masker.mask(b"abc"), body.feed(b"abc"), body.finish(), body.masked) == (b"abc", b"abc", b"", False)


def test_what_is_clean_is_not_copied() -> None:
    text = b"a" * 100_000 + b"\n"
    masker = Masker([SECRET])
    assert masker.mask(text) is text
    assert masker.stream().feed(text) is text


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12), st.binary(max_size=300))
def test_binary_patterns_and_texts(patterns: list[bytes], text: bytes) -> None:
    joined = text + patterns[0] + text[::-1] + patterns[-1][:-1]
    assert Masker(patterns).mask(joined) == expected(patterns, joined)


def test_field_lines_stay_field_lines() -> None:
    lines = b"X-canary-0123456789: a\r\nLocation: /?k=canary-0123456789&b\r\nA: canary-\r\n 0123456789: b\r\n"
    masked = Masker([SECRET, b"a\r\nLoca", b": /?k"]).mask_fields(lines)
    assert masked == b"X-*****************: a\r\nLocation: /?k=*****************&b\r\nA: canary-\r\n 0123456789: b\r\n"


def test_a_pattern_longer_than_a_page() -> None:
    long = re.sub(rb"(.)", rb"\1-", bytes(range(33, 127))) * 40
    body = Masker([long]).stream()
    pieces = cut(b"before " + long + b" after", list(range(0, 9000, 777)))
    assert run(body, pieces) == b"before " + b"*" * len(long) + b" after"
