"""One call of a tool that waits for people, by the official Python SDK: `python calling.py URL MODE PATIENCE…`.

Each PATIENCE is a call that waits so many seconds. Says `gave up` for each but the last, and what the last was told, as
JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from mcp import Client, MCPError

URL, MODE, *PATIENCE = sys.argv[1:]


async def heard(*_: Any) -> None:
    """Progress; that somebody listens puts a token into each call."""


async def call(client: Client, patience: float) -> dict[str, Any]:
    try:
        done = await client.call_tool("delete_repo", {"name": "site"}, patience, heard)
        return {"text": done.content[0].text}
    except MCPError as fault:
        return {"code": fault.error.code, "message": str(fault), "data": fault.error.data}


async def main() -> None:
    async with Client(URL, mode=MODE) as client:
        for patience in PATIENCE[:-1]:
            gave_up = await call(client, float(patience))
            assert "data" in gave_up, gave_up
            print("gave up", flush=True)
        print(json.dumps(await call(client, float(PATIENCE[-1]))), flush=True)


asyncio.run(main())
