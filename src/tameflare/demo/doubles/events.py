"""Server-sent events, written as the HTML standard says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable

from tameflare.demo.doubles.web import Answer


def event(value: object, name: str = "") -> bytes:
    """One event with JSON data, or with the bare text where `value` is a string."""
    data = value if isinstance(value, str) else json.dumps(value)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data}\n\n".encode()


def stream_answer(events: Iterable[bytes], pause: float = 0) -> Answer:
    """An answer that sends each event as a chunk of its own, with `pause` seconds after each."""

    async def pieces() -> AsyncIterator[bytes]:
        for one in events:
            yield one
            await asyncio.sleep(pause)

    headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
    return Answer(headers=headers, stream=pieces())
