"""Every usual way of writing a secret down is found and overwritten, and nothing around it."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.canaries import traces

from tameflare.connectors.auth import Injection, basic, bearer, inject
from tameflare.connectors.secret_forms import SHORTEST, base64_forms, secret_forms
from tameflare.core.config import AuthScheme
from tameflare.link.messages import OpenCredential
from tameflare.wire.masking import Masker

PLAIN = "canary-credential-0123456789abcdef"
ODD = "p@ss/w+rd=<&>\"~?\\ '%é>>>???"
Writer = Callable[[str], str]

WRITERS: dict[str, Writer] = {
    "as it is": str,
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "percent, small digits": lambda text: _small(urllib.parse.quote(text, safe="")),
    "percent, slashes kept": urllib.parse.quote,
    "percent, as encodeURIComponent": lambda text: urllib.parse.quote(text, safe="!'()*"),
    "form": urllib.parse.quote_plus,
    "json": lambda text: json.dumps(text)[1:-1],
    "json, unescaped": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json, slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json, safe for HTML": lambda text: json.dumps(text)[1:-1].translate(
        {ord(each): f"\\u{ord(each):04x}" for each in "<>&"}
    ),
}
SCHEMES = [AuthScheme.BEARER, AuthScheme.BASIC, AuthScheme.QUERY, AuthScheme.COOKIE]
LETTERS = st.characters(min_codepoint=33, max_codepoint=0x17F, categories=("L", "N", "P", "S"))
SECRETS = st.text(LETTERS, min_size=8, max_size=40)


def _small(text: str) -> str:
    head, *rest = text.split("%")
    return "%".join([head, *(each[:2].lower() + each[2:] for each in rest)])


def masker(secret: str, injection: Injection | None = None) -> Masker:
    return Masker(secret_forms(secret, Injection() if injection is None else injection))


def streamed(one: Masker, text: bytes, places: list[int]) -> bytes:
    body = one.stream()
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return b"".join([*(body.feed(text[start:end]) for start, end in pairwise(edges)), body.finish()])


@pytest.mark.parametrize("secret", [PLAIN, ODD])
@pytest.mark.parametrize("writer", WRITERS)
def test_text_forms(secret: str, writer: str) -> None:
    written = WRITERS[writer](secret).encode()
    assert masker(secret).mask(b"x<" + written + b">y") == b"x<" + b"*" * len(written) + b">y"


@given(SECRETS, st.sampled_from(sorted(WRITERS)), st.lists(st.integers(0, 400), max_size=8))
def test_any_secret_in_any_writing_in_any_pieces(secret: str, writer: str, places: list[int]) -> None:
    written = WRITERS[writer](secret).encode()
    text = b"\x00\xff " + written + b" \x00 " + written + b"\n"
    stars = b"*" * len(written)
    assert streamed(masker(secret), text, places) == b"\x00\xff " + stars + b" \x00 " + stars + b"\n"


@given(SECRETS, st.binary(max_size=5), st.binary(max_size=5), st.booleans(), st.lists(st.integers(0, 99), max_size=6))
def test_base64_at_any_offset(secret: str, before: bytes, after: bytes, urlsafe: bool, places: list[int]) -> None:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    raw = secret.encode()
    text = b"x " + encode(before + raw + after) + b" y"
    masked = streamed(masker(secret), text, places)
    assert len(masked) == len(text)
    assert [new for old, new in zip(text, masked, strict=True) if old != new] == [ord("*")] * (masked.count(b"*"))
    assert not [form for form in traces(secret) if form in masked]
    first, last = len(before) * 8 // 6 + 2, (len(before) + len(raw)) * 8 // 6 + 2
    assert masked[:first] == text[:first]
    assert masked[last + 1 :] == text[last + 1 :]
    assert masked.count(b"*") >= len(raw) * 8 // 6 - 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_is_found_as_it_was_put_in(scheme: AuthScheme) -> None:
    credential = OpenCredential("c", ODD.replace(" ", "").replace("é", ""), "user")
    injection = inject(scheme, "key", credential)
    fields = dict(injection.query + injection.cookies)
    value = injection.header_lines.decode().strip().rpartition(" ")[2] or fields["key"]
    text = f'{{"echo":"{value}"}}'.encode()
    masked = masker(credential.value, injection).mask(text)
    assert masked == b'{"echo":"' + b"*" * len(value) + b'"}'


def test_a_pair_for_basic_is_covered_whole() -> None:
    """The user's name is no secret, yet the pair as it was sent would do to sign in."""
    injection = basic(OpenCredential("c", PLAIN, "jo"))
    pair = base64.b64encode(f"jo:{PLAIN}".encode())
    assert masker(PLAIN, injection).mask(b"Basic " + pair) == b"Basic " + b"*" * len(pair)
    assert masker(PLAIN, injection).mask(b"jo:" + PLAIN.encode()) == b"jo:" + b"*" * len(PLAIN)


def test_usual_secrets_have_few_forms() -> None:
    """Each one costs something on every answer."""
    assert len(secret_forms(PLAIN, bearer(OpenCredential("c", PLAIN)))) == 4


@pytest.mark.parametrize("length", range(1, SHORTEST))
def test_a_short_secret_is_not_looked_for(length: int) -> None:
    secret = "s3cretA!"[:length]
    forms = secret_forms(secret, bearer(OpenCredential("c", secret)))
    assert all(len(form) >= SHORTEST for form in forms)
    assert Masker(forms).mask(f"the word {secret} stays".encode()) == f"the word {secret} stays".encode()


def test_a_short_secret_is_found_in_a_pair() -> None:
    injection = basic(OpenCredential("c", "s3cret", "somebody"))
    pair = base64.b64encode(b"somebody:s3cret")
    assert masker("s3cret", injection).mask(pair) == b"*" * len(pair)


def test_base64_forms_hold_nothing_of_their_neighbours() -> None:
    forms = set(base64_forms(PLAIN.encode()))
    for before in range(256):
        for offset in range(3):
            text = base64.b64encode(bytes([before]) * offset + PLAIN.encode() + bytes([before]))
            assert any(form in text for form in forms)
