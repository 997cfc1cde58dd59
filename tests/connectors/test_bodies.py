from __future__ import annotations

import gzip

import pytest
from tests.connectors.asking import JSON, connector, request, types

from tameflare.connectors.bodies import json_fields, plain_body
from tameflare.connectors.faults import Unreadable

PULL = "/repos/a/b/pulls/1"


def _patch(body: bytes, content_type: str = JSON, **headers: str) -> list[str]:
    return types(connector("github"), request("PATCH", "api.github.com", PULL, body, content_type, **headers))


def test_a_compressed_body_is_judged() -> None:
    assert _patch(gzip.compress(b'{"state":"closed"}'), content_encoding="gzip") == ["github.pr.close"]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b" " * 1_000_000), "gzip"),
        (gzip.compress(b"{}") + gzip.compress(b"{}"), "gzip"),
        (gzip.compress(b"{}")[:-4], "gzip"),
        (b"{}", "gzip"),
        (b"{}", "br"),
        (gzip.compress(gzip.compress(b"{}")), "gzip, gzip"),
    ],
    ids=["bomb", "two members", "cut short", "not compressed", "another coding", "compressed twice"],
)
def test_a_coding_that_hides_something_is_refused(body: bytes, encoding: str) -> None:
    with pytest.raises(Unreadable):
        _patch(body, content_encoding=encoding)


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", '"utf-7"'])
def test_other_charsets_are_refused(charset: str) -> None:
    with pytest.raises(Unreadable, match="charset"):
        _patch(b"{}", f"{JSON}; charset={charset}")


def test_two_content_types_are_refused() -> None:
    asked = request("PATCH", "api.github.com", PULL, b"{}", JSON)
    asked.headers.append((b"content-type", b"Content-Type", b"text/plain"))
    with pytest.raises(Unreadable, match="several content types"):
        connector("github").name(asked)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable, match="not a JSON object"):
        _patch(body)


def test_no_body_has_no_fields() -> None:
    asked = request("POST", "api.github.com", "/x")
    assert json_fields(asked) == {}
    assert plain_body(asked) == b""
