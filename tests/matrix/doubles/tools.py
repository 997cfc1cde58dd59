"""An MCP server over Streamable HTTP without sessions (https://modelcontextprotocol.io/specification)."""

from __future__ import annotations

from typing import Any

from tests.matrix.gateways import MCP

from tameflare.demo.doubles.events import event, stream_answer
from tameflare.demo.doubles.web import Answer, Request, json_answer

NO_SUCH_METHOD = -32601
NAMES = ("search_issues", "delete_repo", "publish", "build_report")


class Tools:
    """Four tools without arguments. `build_report` tells a step of its progress before it answers."""

    hosts = (MCP,)

    def __init__(self, key: str) -> None:
        self._key = key

    def authorised(self, request: Request) -> bool:
        """Bearer key."""
        return request.authorization() == ("bearer", self._key)

    async def answer(self, request: Request) -> Answer:
        if not self.authorised(request):
            return Answer(401)
        asked = request.json()
        if request.method != "POST":
            return Answer(405)
        if "id" not in asked:
            return Answer(202)
        return self._told(asked)

    def _told(self, asked: dict[str, Any]) -> Answer:
        match asked.get("method"):
            case "initialize":
                return _result(asked, **_about(asked["params"]["protocolVersion"]))
            case "tools/list":
                return _result(asked, tools=[{"name": name, "inputSchema": {"type": "object"}} for name in NAMES])
            case "tools/call":
                return self._called(asked, asked["params"]["name"])
        error = {"code": NO_SUCH_METHOD, "message": "Method not found"}
        return json_answer({"jsonrpc": "2.0", "id": asked["id"], "error": error})

    def _called(self, asked: dict[str, Any], tool: str) -> Answer:
        result = {"content": [{"type": "text", "text": f"did {tool}"}]}
        token = asked["params"].get("_meta", {}).get("progressToken")
        if token is None:
            return _result(asked, **result)
        step = {"progressToken": token, "progress": 1, "total": 2}
        told = {"jsonrpc": "2.0", "method": "notifications/progress", "params": step}
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
        return stream_answer([event(told, "message"), event(answer, "message")])


def _result(asked: dict[str, Any], **result: object) -> Answer:
    return json_answer({"jsonrpc": "2.0", "id": asked["id"], "result": result})


def _about(version: str) -> dict[str, Any]:
    return {
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "double", "version": "1"},
    }
