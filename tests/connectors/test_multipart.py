"""Multipart forms: read where every server reads the same, else refused."""

from __future__ import annotations

import pytest
from tests.connectors.asking import connector, request

from tameflare.connectors.base import BodySays
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import UNCLEAR
from tameflare.connectors.multipart import multipart_fields
from tameflare.connectors.request import HttpRequest

TYPE = "multipart/form-data; boundary=XX"


def part(head: str, value: str = "v") -> str:
    return f"--XX\r\n{head}\r\n\r\n{value}\r\n"


def field(name: str, value: str = "v", *, rest: str = "") -> str:
    return part(f'Content-Disposition: form-data; name="{name}"{rest}', value)


def sent(*parts: str, kind: str = TYPE, end: str = "--XX--\r\n") -> HttpRequest:
    return request("POST", "api.openai.com", "/v1/images/edits", ("".join(parts) + end).encode(), kind)


def test_texts_are_read_and_files_are_not() -> None:
    asked = sent(
        field("model", "dall-e-2"), field("image", "\x89PNG", rest='; filename="a.png"\r\nContent-Type: image/png')
    )
    assert multipart_fields(asked) == {"model": "dall-e-2", "image": UNCLEAR}
    (action,) = connector("openai").name(asked)
    assert (action.type, action.parameters["model"]) == ("openai.image.edit", "dall-e-2")
    assert connector("openai").body_says(asked) is BodySays.FIELDS


@pytest.mark.parametrize(
    "asked",
    [
        sent(field("n", "1"), field("n", "9")),
        sent(field("n\\x")),
        sent(field("n", rest="; name=m")),
        sent(field("[n]")),
        sent(part("content-type: text/plain")),
        sent(field("n", rest="\r\nContent-Disposition: form-data; name=\"m\"")),
        sent(field("n", rest="\r\nContent-Transfer-Encoding: base64")),
        sent(field("n", rest="\r\nContent-Type: text/plain; charset=utf-7")),
        sent(field("n", rest="\r\nX-Other: 1")),
        sent(field("n", "1\n--XX\nContent-Disposition: form-data; name=\"n\"\n\n9")),
        sent("preamble\r\n", field("n")),
        sent(field("n"), end="--XX--\r\nmore"),
        sent(field("n"), end=""),
        sent(field("n"), kind="multipart/form-data"),
        sent(field("n"), kind="multipart/form-data; boundary=YY; boundary=XX"),
        sent(field("n"), kind="multipart/mixed; boundary=XX"),
        sent(field("n"), kind="application/json"),
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_refused(asked: HttpRequest) -> None:
    with pytest.raises(Unreadable):
        connector("openai").name(asked)
