"""What `tf connector test` makes of an answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tameflare.cli.connector_test import _result

OURS = {"reason": "no_rule", "request_id": "req_1", "help": "ask a person"}
RPC = {"jsonrpc": "2.0", "id": 1, "error": {"code": 403, "message": "no", "data": OURS | {"code": "no_rule"}}}


@pytest.mark.parametrize("body", [OURS | {"message": "no"}, {"error": OURS | {"message": "no"}}, RPC])
def test_a_refusal_of_ours_is_known_in_every_shape(body: dict[str, Any]) -> None:
    request = httpx.Request("POST", "https://mcp.example.com/mcp")
    result = _result("tracker", str(request.url), httpx.Response(200, json=body, request=request))
    assert not result.ok
    assert result.sentence == "POST https://mcp.example.com/mcp: denied by TameFlare (no_rule): no"
    assert (result.advice, result.denied) == ("ask a person", "no_rule")


def test_an_error_of_the_server_is_not_taken_for_ours() -> None:
    request = httpx.Request("POST", "https://mcp.example.com/mcp")
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "no", "data": {"why": "version"}}}
    result = _result("tracker", str(request.url), httpx.Response(400, json=body, request=request))
    assert (result.denied, result.message) == ("", "400")
