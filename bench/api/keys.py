"""What it costs to know an agent by its key: the first time, and from then on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.store import agents, gateways
from tameflare.control.store.agents import Agent
from tameflare.control.store.engine import Connection
from tameflare.control.store.gateways import Gateway
from tameflare.control.wiring import Services
from tameflare.core.agent_keys import KeyKind
from tameflare.core.decision import EnforcementLevel
from tameflare.settings import Settings

TIMES: Final = 20_000


def costs() -> tuple[float, float]:
    """Milliseconds of the first time, microseconds of each later one."""
    with TemporaryDirectory() as directory:
        services = Services.open(Path(directory), Context(Settings({"SETTINGS_ENCRYPTION_KEY": "5c" * 32})))
        try:
            return asyncio.run(_measure(services))
        finally:
            services.close()


def _agent(connection: Connection) -> str:
    """Somebody to hold the key."""
    gateways.add(connection, Gateway("gtw_bench", "bench", EnforcementLevel.FULL_ENFORCE, 120, 0))
    agents.add(connection, Agent("agt_bench", "bench", gateway_id="gtw_bench", created_at=0))
    return "agt_bench"


async def _measure(services: Services) -> tuple[float, float]:
    keys = services.agent_keys
    secret, _ = await keys.make(_agent, "bench", KeyKind.LIVE, None, Actor("bench", "bench"))
    begin = time.perf_counter()
    assert await keys.find(secret) is not None
    first = (time.perf_counter() - begin) * 1e3
    begin = time.perf_counter()
    for _ in range(TIMES):
        if keys.known(secret) is None:  # its row is looked at again about once a second, as in the server
            await keys.find(secret)
    return first, (time.perf_counter() - begin) / TIMES * 1e6
