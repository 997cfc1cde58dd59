"""Refusals of MCP requests: an answer with the request's id where one is known, else the status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.connectors.asking import JSON, connector, request

from tameflare.connectors.denials import Denial

HOST = "mcp.example.com"
SERVER = connector("mcp", HOST)
BOTH = "application/json, text/event-stream"


def denial(status: int = 403, **changes: Any) -> Denial:
    code = {403: "rule_deny", 408: "approval_timeout", 503: "approvals_unavailable"}.get(status, "rate_limited")
    return Denial(status, code, "no", "mcp.tools.x", code, "req_1", ("rule:s:mcp.tools.x",), "ask", **changes)


def post(message: Any, accept: str = BOTH) -> Any:
    raw = json.dumps(message).encode() if not isinstance(message, bytes) else message
    return request("POST", HOST, "/mcp", raw, JSON, accept=accept)


CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "x"}}
NOTE = {"jsonrpc": "2.0", "method": "notifications/initialized"}
ANSWER = {"jsonrpc": "2.0", "id": 3, "result": {}}


@pytest.mark.parametrize("status", [403, 408, 429, 503])
def test_a_request_is_answered_with_an_error_of_its_id(status: int) -> None:
    rendered = SERVER.deny(denial(status, retry_after=5), post(CALL))
    answer = json.loads(rendered.body)
    assert (rendered.status, rendered.content_type) == (200, "application/json")
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", 7)
    error, data = answer["error"], answer["error"]["data"]
    assert (error["code"], error["message"]) == (status, "no")
    assert (data["status"], data["action"], data["request_id"]) == (status, "mcp.tools.x", "req_1")
    assert (data["reason"], data["help"], data["retry_after"]) == (data["code"], "ask", 5)


def test_what_the_client_cancelled_is_not_answered() -> None:
    cancelled = Denial(403, "client_closed", "no", "mcp.tools.x", "client_closed", "req_1")
    rendered = SERVER.deny(cancelled, post(CALL))
    assert (rendered.status, rendered.content_type, rendered.body) == (200, "text/event-stream", b"")
    assert json.loads(SERVER.deny(cancelled, post(CALL, "application/json")).body)["id"] == 7


def test_every_request_of_a_batch_is_answered() -> None:
    rendered = SERVER.deny(denial(), post([CALL, NOTE, ANSWER, CALL | {"id": "b"}]))
    assert [answer["id"] for answer in json.loads(rendered.body)] == [7, "b"]


@pytest.mark.parametrize("message", [NOTE, ANSWER, [NOTE], b"{", CALL | {"extra": 1}])
def test_where_nobody_waits_for_an_answer_the_status_says_it(message: Any) -> None:
    rendered = SERVER.deny(denial(), post(message))
    answer = json.loads(rendered.body)
    assert (rendered.status, answer["id"], answer["error"]["message"]) == (403, None, "no")


def test_before_the_body_is_read_the_status_says_it() -> None:
    assert SERVER.deny(denial(429), request("POST", HOST, "/mcp", None, JSON, accept=BOTH)).status == 429
    assert SERVER.deny(denial(503)).status == 503


def test_clients_of_the_older_transport_and_of_none_get_the_status() -> None:
    assert SERVER.deny(denial(), post(CALL, accept="*/*")).status == 403
    assert SERVER.deny(denial(407), post(CALL)).status == 407
