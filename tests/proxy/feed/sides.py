"""The two sides of the feed, over real HTTP: what the control plane would say, and what the proxy made of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from tests.support.link_server import TOKEN, LinkServer
from tests.support.snapshots import feed as answer

from tameflare.core.config import Configuration
from tameflare.core.secret import Secret
from tameflare.link.messages import ApprovalAnswered, Bundle, Message
from tameflare.proxy.feed import Feed


class Plane:
    """What the control plane would say: the messages after a cursor, at the newest snapshot only."""

    def __init__(self, server: LinkServer) -> None:
        self.server = server
        self.messages: list[Message] = []
        self.wire = 1
        server.feed = self.after

    def publish(self, *messages: Message) -> None:
        self.messages += messages

    def after(self, cursor: int) -> bytes:
        return answer(len(self.messages), *self.messages[cursor:], wire=self.wire)


class Proxy:
    """The proxy's side: what was applied, and a clock."""

    def __init__(self, directory: Path, url: str, token: str = TOKEN) -> None:
        self.applied: list[tuple[int, str]] = []
        self.answered: list[str] = []
        self.now = 1_700_000_000.0
        self.steady = 1000.0
        self.fault: Exception | None = None
        self.feed = Feed(
            url,
            Secret(token),
            directory,
            self.apply,
            lambda: self.now,
            {ApprovalAnswered: lambda message: self.answered.append(message.approval)},
            wait_seconds=0.01,
            backlog=lambda: 4711,
            epoch="life-1",
            tick=lambda: self.steady,
        )

    def apply(self, configuration: Configuration, bundle: Bundle) -> None:
        if self.fault is not None:
            raise self.fault
        self.applied.append((configuration.version, bundle.credentials[0].value))

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[Feed]:
        task = asyncio.create_task(self.feed.run())
        try:
            yield self.feed
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 30))
