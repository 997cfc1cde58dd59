"""What is asked of an MCP server, by name; what could be read in two ways is not read at all."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.connectors.asking import JSON, connector, named, request, sent, types

from tameflare.connectors import registry
from tameflare.connectors.base import Connector
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action, Effect, Risk
from tameflare.core.config import AuthScheme, ConnectorConfig
from tameflare.core.errors import InvalidValue

HOST = "mcp.example.com"
SERVER = connector("mcp", HOST)


def post(message: Any, path: str = "/mcp", **headers: str) -> HttpRequest:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    return request("POST", HOST, path, raw, JSON, **headers)


def rpc(method: Any, params: Any = None, **members: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 1, "method": method} | members
    return message if params is None else message | {"params": params}


def call(name: Any = "search_issues", arguments: Any = None) -> dict[str, Any]:
    return rpc("tools/call", {"name": name, "arguments": arguments or {}})


def with_paths(*paths: str) -> Connector:
    return registry.create(ConnectorConfig("c1", "mcp", "mcp", (HOST,), paths=paths))


def test_a_call_is_named_by_its_tool_with_its_arguments() -> None:
    (action,) = named(SERVER, post(call("search_issues", {"query": "bug", "limit": 12345678901234567890})))
    assert (action.type, action.risk, action.effect) == ("mcp.tools.search_issues", Risk.MEDIUM, Effect.WRITE)
    assert action.parameters == {"query": "bug", "limit": 12345678901234567890}
    assert action.resource == {"host": HOST, "path": "/mcp", "tool": "search_issues"}


def test_a_list_is_a_read_and_a_tool_of_that_name_is_not() -> None:
    (listed,) = named(SERVER, post(rpc("tools/list", {"cursor": "2"})))
    (called,) = named(SERVER, post(call("list")))
    assert (listed.type, listed.effect, listed.parameters) == ("mcp.tools.list", Effect.READ, {"cursor": "2"})
    assert (called.type, called.effect) == ("mcp.tools._x006c_ist", Effect.WRITE)


@pytest.mark.parametrize(
    ("message", "action", "effect"),
    [
        (rpc("initialize", {}), "mcp.rpc.initialize", Effect.READ),
        ({"jsonrpc": "2.0", "method": "notifications/initialized"}, "mcp.rpc.notifications_initialized", Effect.READ),
        (rpc("resources/read", {"uri": "file:///x"}), "mcp.rpc.resources_read", Effect.READ),
        (rpc("tasks/cancel", {"taskId": "t"}), "mcp.rpc.tasks_cancel", Effect.WRITE),
        (rpc("vendor/wipe", {}), "mcp.rpc.vendor_wipe", Effect.WRITE),
        ({"jsonrpc": "2.0", "id": 7, "result": {"roots": []}}, "mcp.rpc.response", Effect.WRITE),
        ({"jsonrpc": "2.0", "id": "a", "error": {"code": 1, "message": "no"}}, "mcp.rpc.response", Effect.WRITE),
    ],
)
def test_other_messages_are_named_by_their_method(message: Any, action: str, effect: Effect) -> None:
    (found,) = named(SERVER, post(message))
    assert (found.type, found.effect) == (action, effect)


def test_a_batch_is_named_entry_by_entry() -> None:
    batch = [rpc("tools/list"), call("delete_repo") | {"id": 2}, {"jsonrpc": "2.0", "method": "notifications/progress"}]
    assert types(SERVER, post(batch)) == ["mcp.tools.list", "mcp.tools.delete_repo", "mcp.rpc.notifications_progress"]


def test_sessions_have_actions_of_their_own() -> None:
    assert types(SERVER, request("GET", HOST, "/mcp", b"")) == ["mcp.stream.open"]
    assert types(SERVER, request("DELETE", HOST, "/mcp", b"")) == ["mcp.session.close"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/users/7"), ("POST", "/users"), ("GET", "/mcp/users"), ("PUT", "/mcp"), ("HEAD", "/")],
)
def test_what_is_no_endpoint_is_unknown(method: str, path: str) -> None:
    assert types(SERVER, request(method, HOST, path, b"")) == [f"mcp.unknown.{method.lower()}"]


def test_endpoints_are_those_of_the_connector() -> None:
    subject = with_paths("/acme/tools/", "/b")
    assert types(subject, post(call("x"), "/acme/tools")) == types(subject, post(call("x"), "/b/")) == ["mcp.tools.x"]
    assert types(subject, post(call("x"), "/mcp")) == ["mcp.unknown.post"]


@pytest.mark.parametrize("path", ["", "mcp", "/a?b", "//", "/a b", "/" + "a/" * 50 + "?"])
def test_paths_that_are_none_are_refused(path: str) -> None:
    with pytest.raises(InvalidValue, match="not a path"):
        with_paths(path)
    with pytest.raises(InvalidValue, match="takes no paths"):
        registry.create(ConnectorConfig("c1", "x", "generic", (HOST,), paths=("/mcp",)))


TWICE = b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"x"}}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (TWICE, "twice"),
        (b"\xef\xbb\xbf" + json.dumps(call()).encode(), "byte order mark"),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":' + b'{"a":' * 70 + b"1" + b"}" * 71, "deeper"),
        (b"", "not a JSON-RPC 2.0 message"),
        (b"[]", "a batch holds"),
        ([call()] * 101, "a batch holds"),
        ([[call()]], "not a JSON-RPC 2.0 message"),
        ([call(), call()], "the same id"),
        ({"id": 1, "method": "ping"}, "not a JSON-RPC 2.0 message"),
        (call() | {"jsonrpc": "1.0"}, "not a JSON-RPC 2.0 message"),
        (call() | {"Method": "ping"}, "no member `Method`"),
        (call() | {"extra": 1}, "no member `extra`"),
        (call() | {"id": True}, "neither text nor an integer"),
        (call() | {"id": 1.0}, "neither text nor an integer"),
        (call() | {"id": None}, "neither text nor an integer"),
        (call() | {"id": {}}, "neither text nor an integer"),
        (call() | {"id": 2**60}, "neither text nor an integer"),
        (call() | {"result": {}}, "both a request and an answer"),
        (rpc(["tools/call"]), "not text"),
        (rpc(""), "not text"),
        (rpc("Tools/Call", {"name": "x"}), "not the method `tools/call`"),
        (rpc("tools/call", ["x"]), "not an object"),
        (rpc("tools/call"), "the `name` of the tool"),
        (call(7), "the `name` of the tool"),
        (rpc("tools/call", {"name": "x", "arguments": [1]}), "the `arguments` of the tool"),
        (rpc("tools/call", {"name": "safe", "Name": "danger"}), "read as another"),
        (rpc("tools/call", {"name": "safe", "argument\u017f": {}}), "read as another"),
        ({"jsonrpc": "2.0", "id": 1}, "neither a request nor an answer"),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}, "neither a request nor an answer"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(body: Any, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        SERVER.name(post(body))


def test_only_json_is_read_and_only_where_a_body_belongs() -> None:
    body = json.dumps(call()).encode()
    with pytest.raises(Unreadable, match="content type"):
        SERVER.name(request("POST", HOST, "/mcp", body, "text/plain"))
    with pytest.raises(Unreadable, match="has a body"):
        SERVER.name(request("DELETE", HOST, "/mcp", body, JSON))
    zipped = request("POST", HOST, "/mcp", gzip.compress(body), JSON, content_encoding="gzip")
    assert types(SERVER, zipped) == ["mcp.tools.search_issues"]


ARGUED = call("run", {"region": "us-west1", "n": 42, "dry": True, "in": {"deep": "ü"}})


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp_method": "tools/call", "mcp_name": "run"},
        {"mcp_param_region": "us-west1", "mcp_param_n": "42", "mcp_param_dry": "true"},
        {"mcp_param_deep": f"=?base64?{base64.b64encode('ü'.encode()).decode()}?="},
    ],
)
def test_header_fields_may_repeat_the_body(headers: dict[str, str]) -> None:
    assert types(SERVER, post(ARGUED, **headers)) == ["mcp.tools.run"]


@pytest.mark.parametrize(
    ("message", "headers"),
    [
        (ARGUED, {"mcp_method": "tools/list"}),
        (ARGUED, {"mcp_method": "Tools/Call"}),
        (ARGUED, {"mcp_name": "other"}),
        (ARGUED, {"mcp_name": "=?base64?!?="}),
        (ARGUED, {"mcp_param_region": "eu"}),
        (rpc("ping"), {"mcp_name": "run"}),
        (rpc("ping"), {"mcp_param_region": "us-west1"}),
        ([ARGUED], {"mcp_name": "run"}),
    ],
)
def test_header_fields_that_say_otherwise_are_refused(message: Any, headers: dict[str, str]) -> None:
    with pytest.raises(Unreadable, match=r"Mcp-|mcp-"):
        SERVER.name(post(message, **headers))


def test_a_header_field_that_is_sent_twice_is_refused() -> None:
    asked = post(ARGUED, mcp_name="run")
    asked.headers = [*asked.headers, (b"mcp-name", b"Mcp-Name", b"run")]
    with pytest.raises(Unreadable, match="sent twice"):
        SERVER.name(asked)


@pytest.mark.parametrize("scheme", list(AuthScheme))
def test_every_scheme_is_taken(scheme: AuthScheme) -> None:
    assert connector("mcp", HOST, auth=scheme, auth_name="x-key").filters_responses


@pytest.mark.parametrize(
    "message", [call("repo.read", {"a": 1}), rpc("tools/list", {}), rpc("resources/read", {"uri": "x"})]
)
def test_an_action_is_built_as_it_is_named(message: Any) -> None:
    (action,) = named(SERVER, post(message))
    assert named(SERVER, sent(SERVER.build(action))) == (action,)


@pytest.mark.parametrize("kind", ["mcp.rpc.response", "mcp.session.close", "mcp.unknown.post"])
def test_what_is_no_request_cannot_be_built(kind: str) -> None:
    with pytest.raises(InvalidValue, match="cannot be carried out"):
        SERVER.build(Action(kind))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
_MESSAGES = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "x"]),
    st.sampled_from(["2.0", "tools/call", "tools/list", "ping", {"name": "a"}, {"name": 1}, {"arguments": {"b": [1]}}])
    | _VALUES,
)


@settings(deadline=None, max_examples=300)
@given(
    body=st.binary(max_size=30)
    | (_MESSAGES | st.lists(_MESSAGES, max_size=3)).map(lambda value: json.dumps(value).encode()),
    name=st.sampled_from(["", "a", "=?base64?YQ==?=", "=?base64?\xff?="]),
)
def test_naming_raises_nothing_but_unreadable(body: bytes, name: str) -> None:
    asked = post(body)
    if name:
        asked.headers = [*asked.headers, (b"mcp-name", b"Mcp-Name", name.encode("latin-1"))]
    try:
        actions = SERVER.name(asked)
    except Unreadable as fault:
        assert str(fault)  # noqa: PT017 - either outcome is right
        return
    assert all(action.type.count(".") == 2 for action in actions)
