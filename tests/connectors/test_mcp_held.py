"""What an approval of a call is bound to: everything but where its answer goes. And calls that were given up."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.asking import JSON, connector, request

from tameflare.connectors.request import HttpRequest

HOST = "mcp.example.com"
SERVER = connector("mcp", HOST)
CALL = {"name": "create_issue", "arguments": {"title": "bug"}}


def post(message: Any, path: str = "/mcp", **headers: str) -> HttpRequest:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    return request("POST", HOST, path, raw, JSON, **headers)


def call(id_: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": CALL | params}


def bound(message: Any, **headers: str) -> bytes | None:
    return SERVER.bound_body(post(message, **headers))


def test_another_id_and_token_are_the_same_deed() -> None:
    first = bound(call(1, _meta={"progressToken": 1, "who": "x"}))
    assert first is not None
    assert first == bound(call("b-2", _meta={"progressToken": "t", "who": "x"}))
    assert bound([call(1), call(2)]) == bound([call(3), call(4)])
    assert bound(gzip.compress(json.dumps(call(1)).encode()), content_encoding="gzip") == bound(call(2))


@pytest.mark.parametrize(
    "other",
    [
        call(1, arguments={"title": "bug "}),
        call(1, arguments={"title": "bug", "more": None}),
        call(1, name="delete_issue"),
        call(1, _meta={}),
        call(1, _meta={"progressToken": 1}),
        call(1, _meta={"who": "y"}),
        call(1, progressToken=1),
        call(1, arguments={"title": "bug", "_meta": {"progressToken": 1}}),
        call(1, arguments={"title": "bug", "id": 1}),
        [call(1)],
        [call(1), call(2)],
        {name: value for name, value in call(1).items() if name != "id"},
        call(1) | {"method": "tools/list"},
    ],
)
def test_everything_else_is_another_deed(other: Any) -> None:
    assert bound(other) not in (bound(call(1)), None)


def test_numbers_count_as_they_are_written() -> None:
    """A server may read more of a number than a double holds."""
    written = [b"1", b"1.0", b"1e0", b"0.1", b"0.10000000000000000001", b"-0", b"0", b"-0.0"]
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {"n": %b}}}'
    assert len({bound(body % number) for number in written}) == len(written)


def test_an_answer_to_the_server_is_bound_to_what_it_answers() -> None:
    answers = [{"jsonrpc": "2.0", "id": id_, "result": {"action": "accept"}} for id_ in (1, 2, "1")]
    assert len({bound(answer) for answer in answers}) == 3


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{}",
        b"not json",
        b"null",
        call(None),
        call(True),
        call(1.5),
        call(1, _meta={"progressToken": None}),
        call(1, _meta={"progressToken": True}),
        call(1, _meta={"progressToken": 1.5}),
        call(1, _meta={"progressToken": {"a": 1}}),
        b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"_meta": {"progressToken": 1, "progressToken": 2}}}',
        [call(1), call(1)],
    ],
)
def test_what_cannot_be_read_is_bound_as_it_came(message: Any) -> None:
    assert bound(message) is None


def test_a_header_that_is_no_base64_is_bound_as_it_came() -> None:
    asked = post(call())
    asked.headers = [*asked.headers, (b"mcp-name", b"Mcp-Name", b"=?base64?\xff?=")]
    assert SERVER.bound_body(asked) is None


def test_other_methods_and_other_connectors_are_bound_as_they_came() -> None:
    assert SERVER.bound_body(request("DELETE", HOST, "/mcp", b"")) is None
    assert connector("github").bound_body(post(call())) is None
    assert connector("generic", HOST).bound_body(post(call())) is None


IDS = st.one_of(st.integers(-(2**53), 2**53), st.text(st.characters(codec="utf-8"), max_size=5))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["id", "progressToken", "null", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "_meta", "a"]), inner),
    max_leaves=4,
)
META = st.none() | st.dictionaries(st.sampled_from(["progressToken", "a"]), IDS)


@given(VALUES, VALUES, META, META, IDS, IDS)
def test_the_same_is_bound_exactly_where_the_same_is_asked(
    one: Any, two: Any, meta: Any, other: Any, id_: Any, second: Any
) -> None:
    first = bound(call(id_, arguments={"v": one}, **({} if meta is None else {"_meta": meta})))
    again = bound(call(second, arguments={"v": two}, **({} if other is None else {"_meta": other})))
    same = _key(one, meta) == _key(two, other)
    assert first is not None
    assert (first == again) is same


def _key(value: Any, meta: dict[str, Any] | None) -> str:
    return json.dumps([value, meta and {k: "" if k == "progressToken" else v for k, v in meta.items()}, meta is None])


# --- given up ---------------------------------------------------------------------------------------------------------


def cancelled(id_: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id_, "reason": "late"}}


@pytest.mark.parametrize("id_", [7, "7", "a b", -1])
def test_a_call_is_called_off_by_its_id_in_its_session(id_: Any) -> None:
    names = SERVER.waits_as(post(call(id_), mcp_session_id="s1"))
    assert len(names) == 1
    assert SERVER.calls_off(post(cancelled(id_), mcp_session_id="s1")) == names
    assert SERVER.calls_off(post(cancelled(id_), mcp_session_id="s2")) != names
    assert SERVER.calls_off(post(cancelled(id_), "/", mcp_session_id="s1")) != names


def test_text_and_number_are_two_ids() -> None:
    assert SERVER.calls_off(post(cancelled("7"))) != SERVER.waits_as(post(call(7)))


@pytest.mark.parametrize(
    "message",
    [call(7), [cancelled(7)], cancelled(None), cancelled(True), cancelled(1.5), cancelled([7]), b"cancelled", b""],
)
def test_nothing_else_calls_off(message: Any) -> None:
    assert SERVER.calls_off(post(message)) == frozenset()


def test_a_notification_or_a_batch_has_no_name() -> None:
    assert SERVER.waits_as(post(cancelled(7))) == frozenset()
    assert SERVER.waits_as(post([call(1), call(2)])) == frozenset()
    assert SERVER.waits_as(request("GET", HOST, "/mcp")) == frozenset()
