"""aiohttp as it is by default: it reads no variables of a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import os

import aiohttp
from telling import USER, github, internet, tell


async def status() -> int:
    async with aiohttp.ClientSession() as session, session.get(USER, headers=github()) as answer:
        return answer.status


def around() -> bool:
    with internet():
        return asyncio.run(status()) == 401


def closed() -> str:
    with internet(), contextlib.suppress(aiohttp.ClientError):
        return f"got out: {asyncio.run(status())}"
    asyncio.run(status())
    return ""


tell(aiohttp.__version__, os.environ["GITHUB_TOKEN"], around=around, closed=closed)
