from __future__ import annotations

import pytest
from tests.connectors.asking import FORM, JSON, connector, named, request, types

from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import UNCLEAR
from tameflare.connectors.request import HttpRequest

TYPE = "multipart/form-data; boundary=XX"


def _post(body: bytes, content_type: str, method: str = "chat.postMessage") -> HttpRequest:
    return request("POST", "slack.com", f"/api/{method}", body, content_type)


def _multipart(name: str) -> bytes:
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\nv\r\n--XX--\r\n'.encode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"channel=C1&text=hi&reply_broadcast=true", FORM),
        (b'{"channel":"C1","text":"hi","reply_broadcast":true}', JSON + "; charset=utf-8"),
    ],
)
def test_a_message_in_form_or_json_has_the_same_parameters(body: bytes, content_type: str) -> None:
    (action,) = named(connector("slack"), _post(body, content_type))
    assert action.type == "slack.message.send"
    assert action.parameters == {"channel": "C1", "text": "hi", "reply_broadcast": True}


def test_a_method_by_get_is_the_same_deed() -> None:
    (action,) = named(connector("slack"), request("GET", "slack.com", "/api/chat.postMessage?token=xoxb-1&channel=C1"))
    assert (action.type, action.parameters) == ("slack.message.send", {"channel": "C1"})


@pytest.mark.parametrize("body", [b"token=xoxb-1&channel=C1&text=a+b", b"channel=C1&%74oken=xoxb-1&text=a+b"])
def test_the_key_is_moved_out_of_a_form(body: bytes) -> None:
    subject, asked = connector("slack"), _post(body, FORM)
    (action,) = named(subject, asked)
    assert "token" not in action.parameters
    assert subject.rewrite(asked) == b"channel=C1&text=a+b"


def test_a_form_without_a_key_goes_on_unchanged() -> None:
    assert connector("slack").rewrite(_post(b"channel=C1", FORM)) is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"token":"xoxb-1"}', JSON),
        (b'{"\\u0074oken":"xoxb-1"}', JSON),
        (_multipart("token"), TYPE),
        (_multipart("tok\\en"), TYPE),
        (b"--XX\r\nContent-Disposition: form-data; name=token\r\n\r\nv\r\n--XX--\r\n", TYPE),
        (b"preamble\r\n" + _multipart("x"), TYPE),
        (_multipart("x"), "multipart/form-data"),
        (b"token=1", "text/plain"),
    ],
)
@pytest.mark.parametrize("method", ["chat.postMessage", "not.known"])
def test_a_key_that_cannot_be_moved_out_is_refused(body: bytes, content_type: str, method: str) -> None:
    with pytest.raises(Unreadable):
        named(connector("slack"), _post(body, content_type, method))


def test_a_message_in_multipart_has_the_same_parameters() -> None:
    (action,) = named(connector("slack"), _post(_multipart("channel"), TYPE))
    assert (action.type, action.parameters) == ("slack.message.send", {"channel": "v"})


@pytest.mark.parametrize("body", [b"channel.x=1", b"channel+x=1", b"a=1;token=xoxb-1"])
def test_a_field_that_could_be_read_as_another_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        named(connector("slack"), _post(body, FORM))


def test_a_field_of_a_query_that_could_be_read_as_another_is_unclear() -> None:
    (action,) = named(connector("slack"), request("GET", "slack.com", "/api/chat.postMessage?as.user=true"))
    assert action.parameters == {"as.user": "true", "as_user": UNCLEAR}


def test_an_unknown_method_is_unknown() -> None:
    assert types(connector("slack"), _post(b"a=1", FORM, "admin.users.remove")) == ["slack.unknown.post"]
