"""What people cannot be shown of a request that waits they are told of: nobody agrees to less than what goes."""

from __future__ import annotations

import contextlib
import gzip

import pytest
from tests.connectors.asking import FORM, HOSTS, JSON, connector, request

from tameflare.connectors.faults import Unreadable
from tameflare.core.action import Action
from tameflare.core.redact import shown
from tameflare.link.approvals import HeldAction
from tameflare.proxy.unshown import PARTS, cut, unshown

COMMENT = "/repos/acme/site/issues/1/comments"


def told(kind: str, path: str, body: bytes, content_type: str = JSON, **headers: str) -> str:
    """As the proxy has it: the actions as the body has them, where it can be read, else as the head has them."""
    host = HOSTS.get(kind, "api.example.com")
    subject = connector(kind, *(() if kind in HOSTS else (host,)))
    asked = request("POST", host, path, body, content_type, **headers)
    actions = subject.classify(asked).actions
    with contextlib.suppress(Unreadable):
        actions = subject.name(asked)
    return unshown(subject, asked, actions, body)


@pytest.mark.parametrize(
    ("kind", "path", "body", "content_type"),
    [
        ("github", COMMENT, b'{"body": "hi"}', JSON),
        ("stripe", "/v1/refunds", b"amount=5", FORM),
        ("generic", "/x", b'{"a": 1}', JSON),
        ("generic", "/x", b"{}", JSON),
        ("generic", "/x", b"", "text/plain"),
        ("slack", "/api/chat.postMessage", b"channel=C1&text=hi", FORM),
        ("mcp", "/mcp", b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t"}}', JSON),
    ],
)
def test_a_body_whose_fields_are_shown(kind: str, path: str, body: bytes, content_type: str) -> None:
    assert told(kind, path, body, content_type) == ""


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b'{"body": "hi", "body": "pay me"}', JSON, "twice"),
        (b'{"body": "hi"}', JSON + "; charset=utf-16", "charset"),
        (b'{"body": "hi"}', JSON + "; charset=iso-8859-1", "charset"),
        (b"\xef\xbb\xbf" + b'{"body": "hi"}', JSON, "byte order mark"),
        (b'[{"body": "hi"}]', JSON, "not a JSON object"),
    ],
)
def test_a_body_that_a_vendor_may_read_and_we_do_not(body: bytes, content_type: str, why: str) -> None:
    found = told("github", COMMENT, body, content_type)
    assert found.startswith(f"a body of {len(body)} bytes: ")
    assert why in found


def test_a_packed_body_is_shown_or_told_of() -> None:
    packed = gzip.compress(b'{"body": "hi"}')
    assert told("github", COMMENT, packed, content_encoding="gzip") == ""
    assert "coding other than gzip" in told("github", COMMENT, packed, content_encoding="br")


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "multipart/form-data; boundary=b"])
def test_a_body_that_is_no_form_and_no_json(content_type: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="sql"\r\n\r\ndrop table users\r\n--b--\r\n'
    assert (
        told("generic", "/query", body, content_type) == f"a body of {len(body)} bytes: it is neither a form nor JSON"
    )


def test_what_the_head_names_otherwise() -> None:
    body = b'{"body": "hi"}'
    asked = request("POST", HOSTS["github"], COMMENT, body, JSON)
    assert "something else" in unshown(connector("github"), asked, (Action("github.issue.list"),), body)


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("/x", {"a": "b" * 100, "c": [1, {"d": None}]}, ""),
        ("/x", {"a": "b" * 5000}, PARTS),
        ("/x", {str(number): number for number in range(101)}, PARTS),
        ("/x", {"a": list(range(101))}, PARTS),
        ("/x", {"a": [[[[[[[[["deep"]]]]]]]]]}, PARTS),
        ("/x…", {}, PARTS),
    ],
)
def test_what_had_to_be_cut(path: str, parameters: dict[str, object], expected: str) -> None:
    action = HeldAction("http.post", "medium", "write", {}, shown(parameters, frozenset()))
    assert cut(path, (action,)) == expected
