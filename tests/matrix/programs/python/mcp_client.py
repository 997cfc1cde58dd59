"""The official MCP SDK's client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version

from mcp import Client, MCPError
from telling import first, tell

URL = "https://tools.example/mcp"


async def called(client: Client, tool: str, **options: object) -> bool:
    return (await client.call_tool(tool, {}, **options)).content[0].text == f"did {tool}"


async def denied(client: Client) -> str:
    try:
        return str(await client.call_tool("delete_repo", {}))
    except MCPError as fault:
        return f"MCPError: {fault}"


async def stream(client: Client) -> bool:
    async def step(*_: object) -> None:
        first()

    return await called(client, "build_report", progress_callback=step)


def run(scenario: Callable[[Client], Awaitable[object]]) -> Callable[[], object]:
    async def inside() -> object:
        async with Client(URL) as client:
            return await scenario(client)

    return lambda: asyncio.run(inside())


tell(
    version("mcp"),
    "none",
    allowed=run(lambda client: called(client, "search_issues")),
    denied=run(denied),
    held=run(lambda client: called(client, "publish")),
    stream=run(stream),
)
