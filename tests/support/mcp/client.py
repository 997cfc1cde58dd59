"""What the official Python SDK's client sees of an MCP server: `python client.py URL MODE [PARTS…]`, told as JSON.

PARTS: `report` (a tool that tells its progress), `ask` (one that asks back)."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from mcp import Client, MCPError
from mcp_types import ElicitResult

URL, MODE, *PARTS = sys.argv[1:]


async def agree(*_: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"sure": True})


async def main() -> dict[str, Any]:
    steps: list[float] = []

    async def progress(at: float, _total: float | None, _message: str | None) -> None:
        steps.append(at)

    told: dict[str, Any] = {}
    async with Client(URL, mode=MODE, elicitation_callback=agree, read_timeout_seconds=20) as client:
        told["tools"] = sorted(tool.name for tool in (await client.list_tools()).tools)
        told["found"] = (await client.call_tool("search_issues", {"query": "bug"})).content[0].text
        if "report" in PARTS:
            told["report"] = (await client.call_tool("build_report", {}, progress_callback=progress)).content[0].text
        if "ask" in PARTS:
            told["asked"] = (await client.call_tool("ask_user", {})).content[0].text
        try:
            await client.call_tool("delete_repo", {"name": "site"})
        except MCPError as fault:
            told["denied"] = {"code": fault.error.code, "message": str(fault), "data": fault.error.data}
        told["again"] = (await client.call_tool("search_issues", {"query": "more"})).content[0].text
    return told | {"steps": steps}


print(json.dumps(asyncio.run(main())))
