"""An MCP server of the official Python SDK on local TLS: `python server.py CERTIFICATE KEY LEDGER [--json]`.

Prints its port. Every call of a tool, and the credential of every request, is a line in the ledger. It answers by event
streams, which can be taken up again, or with `--json` by JSON.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from pydantic import BaseModel

CERTIFICATE, KEY, LEDGER = sys.argv[1:4]
server = MCPServer("double")


def note(line: str) -> None:
    with Path(LEDGER).open("a") as ledger:
        ledger.write(line + "\n")


class Events(EventStore):
    """Every event that was sent, for streams that are taken up again."""

    def __init__(self) -> None:
        self._events: list[tuple[str, Any]] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events) - 1)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        last = int(last_event_id)
        stream = self._events[last][0]
        for index, (owner, message) in enumerate(self._events):
            if index > last and owner == stream and message is not None:
                await send_callback(EventMessage(message, str(index)))
        return stream


@server.tool()
def search_issues(query: str) -> str:
    note(f"call search_issues {query}")
    return f"found {query}"


@server.tool()
def delete_repo(name: str) -> str:
    note(f"call delete_repo {name}")
    return "gone"


@server.tool(name="repo.read")
def repo_read() -> str:
    note("call repo.read")
    return "readme"


@server.tool()
async def build_report(ctx: Context) -> str:
    note("call build_report")
    for step in (1, 2, 3):
        await ctx.report_progress(step, 3, f"step {step}")
    return "done"


class Choice(BaseModel):
    sure: bool


@server.tool()
async def ask_user(ctx: Context) -> str:
    answer = await ctx.elicit("sure?", Choice)
    return answer.action


async def noted(scope: Any, receive: Any, send: Any) -> None:
    """The server, with the credential of each request put down."""
    if scope["type"] == "http":
        headers = dict(scope["headers"])
        note(f"{scope['method']} {headers.get(b'authorization', b'').decode()}")
    await app(scope, receive, send)


as_json = "--json" in sys.argv
app = server.streamable_http_app(
    json_response=as_json, event_store=None if as_json else Events(), host="0.0.0.0", transport_security=None
)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(noted, ssl_certfile=CERTIFICATE, ssl_keyfile=KEY, log_level="error", access_log=False)
    uvicorn.Server(config).run([listener])
