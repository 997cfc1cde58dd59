"""aiohttp, whose session is told to read the environment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import aiohttp
from telling import CHAT, CLIENT, ISSUES, MERGE, STREAMED, USER, WORDS, Words, github, internet, openai, tell


async def lines(answer: aiohttp.ClientResponse) -> AsyncIterator[str]:
    async for line in answer.content:
        yield line.decode()


async def allowed(session: aiohttp.ClientSession) -> bool:
    async with session.get(USER, headers=github()) as answer:
        return (await answer.json())["login"] == "octo-demo"


async def denied(session: aiohttp.ClientSession) -> None:
    async with session.put(MERGE, headers=github(), raise_for_status=True):
        pass


async def held(session: aiohttp.ClientSession) -> bool:
    async with session.post(ISSUES, headers=github(), json={"title": CLIENT}) as answer:
        return (await answer.json())["title"] == CLIENT


async def stream(session: aiohttp.ClientSession) -> bool:
    words = Words()
    async with session.post(CHAT, headers=openai(), json=STREAMED) as answer:
        async for line in lines(answer):
            words.take(line)
    return words.heard == WORDS


async def around(session: aiohttp.ClientSession) -> bool:
    with internet():
        async with session.get(USER, headers=github()) as answer:
            return answer.status == 401


def run(scenario: object) -> object:
    async def inside() -> object:
        async with aiohttp.ClientSession(trust_env=True) as session:
            return await scenario(session)

    return lambda: asyncio.run(inside())


tell(
    aiohttp.__version__,
    os.environ["GITHUB_TOKEN"],
    allowed=run(allowed),
    denied=run(denied),
    held=run(held),
    stream=run(stream),
    around=run(around),
)
