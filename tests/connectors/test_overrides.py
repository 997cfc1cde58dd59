"""What makes a lax server take a request for another than it says is refused or taken out."""

from __future__ import annotations

import pytest
from tests.connectors.asking import FORM, connector, named, request, types

from tameflare.connectors.auth import strip_query
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.request import HttpRequest

MULTIPART = "multipart/form-data; boundary=b"


def _customer(body: bytes, *content_types: str) -> HttpRequest:
    asked = request("POST", "api.stripe.com", "/v1/customers/cus_1", body)
    asked.headers.extend((b"content-type", b"Content-Type", kind.encode()) for kind in content_types)
    return asked


def _part(disposition: str) -> bytes:
    return f"--b\r\nContent-Disposition: {disposition}\r\n\r\nDELETE\r\n--b--\r\n".encode()


@pytest.mark.parametrize(
    "content_types",
    [(), (FORM + ",x",), (FORM + " x",), ("text/plain", FORM), ("multipart/mixed; boundary=b",)],
    ids=["none", "comma", "blank", "two", "multipart/mixed"],
)
@pytest.mark.parametrize("body", [b"_method=DELETE", _part('form-data; name="_method"')], ids=["form", "part"])
def test_a_form_under_another_name_is_read(content_types: tuple[str, ...], body: bytes) -> None:
    with pytest.raises(Unreadable):
        named(connector("stripe"), _customer(body, *content_types))


@pytest.mark.parametrize(
    "body",
    [
        b"a=1& _method=DELETE",
        b"a=1&+%5Fmethod=DELETE",
        b"a=1;_method=DELETE",
        b"_method%00x=DELETE",
        b"_method[]=DELETE",
        b".method=DELETE",
    ],
)
def test_a_field_that_a_lax_server_reads_as_an_override_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable, match="overrides the method"):
        named(connector("stripe"), _customer(body, FORM))


@pytest.mark.parametrize(
    "disposition", ["form-data; name=_method", 'form-data; name="_meth\\od"', "form-data; name*=utf-8''_method"]
)
def test_a_part_is_found_however_its_name_is_written(disposition: str) -> None:
    asked = request("POST", "api.github.com", "/repos/o/r/issues/1/comments", _part(disposition), MULTIPART)
    with pytest.raises(Unreadable, match="overrides the method"):
        named(connector("github"), asked)


@pytest.mark.parametrize("body", [b"payment_method=pm_1", b"description=the+_method+of+choice", b""])
def test_other_fields_pass(body: bytes) -> None:
    assert types(connector("stripe"), _customer(body, FORM)) == ["stripe.customer.update"]


@pytest.mark.parametrize("content_types", [(), ("text/plain", FORM), (FORM + ",",)])
def test_generic_connectors_look_into_what_may_be_a_form(content_types: tuple[str, ...]) -> None:
    asked = request("POST", "a.test", "/x", b"_method=DELETE")
    asked.headers.extend((b"content-type", b"Content-Type", kind.encode()) for kind in content_types)
    with pytest.raises(Unreadable):
        named(connector("generic", "a.test"), asked)


def test_large_kinds_pass_generic_connectors_unread() -> None:
    for kind in (MULTIPART, "application/json", "application/octet-stream"):
        asked = request("POST", "a.test", "/x", b"{}", kind)
        assert not connector("generic", "a.test").classify(asked).needs_body


@pytest.mark.parametrize("name", [b"+token", b"token%00x", b"token["])
def test_slack_refuses_what_is_nearly_a_token_field(name: bytes) -> None:
    asked = request("POST", "slack.com", "/api/chat.postMessage", name + b"=xoxb-1&channel=C", FORM)
    with pytest.raises(Unreadable, match="could be read as `token`"):
        named(connector("slack"), asked)


def test_a_key_is_taken_out_of_a_query_however_it_is_named() -> None:
    names = frozenset({"token"})
    assert strip_query("+token=1&%74oken=2&token[]=3&token%00=4&tokens=5", names) == "tokens=5"
    assert strip_query("a=1;token=5;b=2&c=3", names) == "a=1;b=2&c=3"


@pytest.mark.parametrize("second", ["utf-7", '"utf-16"'])
def test_every_charset_that_is_named_counts(second: str) -> None:
    kind = f"application/json; charset=utf-8; charset={second}"
    asked = request("PATCH", "api.github.com", "/repos/o/r/issues/1", b"{}", kind)
    with pytest.raises(Unreadable, match="charset"):
        named(connector("github"), asked)
