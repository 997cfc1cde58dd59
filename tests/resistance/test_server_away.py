"""A control plane that is away while thousands of records pile up in many files: each is stored once, in order."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tests.support.link_server import TOKEN, LinkServer
from tests.support.spooling import intent
from tests.support.waiting import until

from tameflare.core.secret import Secret
from tameflare.proxy.segments import segments
from tameflare.proxy.shipping import Shipping
from tameflare.proxy.spool import Spool

MANY = 3000
TURN = 5


def written(directory: Path, epochs: int) -> list[str]:
    """So many lives of a proxy, one after the other; the request ids of their records."""
    for life in range(epochs):
        spool = Spool(directory, f"life-{life}", max_bytes=1 << 30, segment_bytes=8_000)
        for number in range(life * MANY // epochs, (life + 1) * MANY // epochs):
            spool.append(intent(number))
            if number % TURN == 0:
                assert spool.flush()
        assert spool.flush()
        spool.close()
    return [intent(number).request_id for number in range(MANY)]


def deliver(server: LinkServer, directory: Path) -> None:
    """With a control plane that comes back and goes again, until all is stored."""

    async def story() -> None:
        child = Shipping(server.url, Secret(TOKEN), directory, poll_seconds=0.01)
        task = asyncio.create_task(child.run())
        await until(lambda: "cannot be reached" in child.problem, "the absence is noticed")
        for share in (MANY // 10, MANY // 2):
            server.start()
            await until(lambda share=share: len(server.rows) > share, "a part")  # type: ignore[misc]
            server.stop()
        server.start()
        await until(lambda: len(server.rows) >= MANY and child.waiting_bytes == 0, "everything", 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())


def test_everything_comes_once_and_in_order(tmp_path: Path) -> None:
    """While answers are lost, cut short and refused on the way."""
    promised = written(tmp_path / "spool", 3)
    assert len(segments(tmp_path / "spool")) > 50
    server, moods = LinkServer(), random.Random(3)
    server.start()
    server.stop()
    server.taking = lambda _, count: moods.choice(
        [(count, 200), (count, 200), (count // 2, 200), (count, 503), (0, 503)]
    )
    deliver(server, tmp_path / "spool")
    server.stop()
    assert server.rows == promised
    assert server.gaps == 0
    assert len(segments(tmp_path / "spool")) <= 1, "what was delivered is removed"
