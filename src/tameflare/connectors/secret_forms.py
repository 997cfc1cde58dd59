"""How a credential may look when an upstream sends it back: as it was put in, and in the usual encodings of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from tameflare.connectors.auth import Injection

SHORTEST: Final = 8
"""Forms of fewer bytes are not looked for: they stand by chance in answers that have nothing to do with the secret, and
a program that sees which of its guesses come back as stars could try them all."""
_SAFE: Final = ("", "/", "!'()*", "*", "!#$&'()*+,/:;=?@")
"""What encoders leave as it is: only what RFC 3986 does not reserve, or what Python and JavaScript leave."""


def secret_forms(secret: str, injection: Injection) -> frozenset[bytes]:
    """Everything to look for in answers to requests that carry this injection."""
    texts = {secret, *_injected(injection)}
    plain = {form for text in texts for form in (text, *_percent(text), *_json(text))}
    encoded = {form for text in texts for form in base64_forms(text.encode())}
    escaped = {form for text in encoded for form in _json(text.decode())}
    found = {text.encode() for text in plain | escaped} | encoded
    return frozenset(form for form in found if len(form) >= SHORTEST)


def base64_forms(secret: bytes) -> Iterator[bytes]:
    """The characters that the secret alone decides, wherever it stands in what was encoded; both alphabets."""
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        whole = (offset + len(secret)) * 8 // 6
        form = base64.b64encode(b"\0" * offset + secret)[first:whole]
        yield form
        yield form.translate(bytes.maketrans(b"+/", b"-_"))


def _injected(injection: Injection) -> Iterator[str]:
    """The values without the scheme's name before them."""
    for line in injection.header_lines.decode("ascii").splitlines():
        yield line.partition(": ")[2].rpartition(" ")[2]
    for _, value in (*injection.query, *injection.cookies):
        yield value


def _percent(text: str) -> Iterator[str]:
    for form in (*(quote(text, safe) for safe in _SAFE), quote_plus(text)):
        yield form
        yield _lower_hex(form)


def _lower_hex(form: str) -> str:
    first, *rest = form.split("%")
    return "%".join((first, *(part[:2].lower() + part[2:] for part in rest)))


def _json(text: str) -> Iterator[str]:
    """As writers of JSON put it: plainly, with every non-ASCII character or every slash escaped, or safe for HTML."""
    for form in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield form
        yield form.replace("/", "\\/")
        yield _escape(form, "<>&", "%04x")
        yield _escape(form.replace('\\"', "\\u0022"), "<>&'+`", "%04X")


def _escape(form: str, characters: str, digits: str) -> str:
    return "".join("\\u" + digits % ord(each) if each in characters else each for each in form)
