"""Tunnels that were used once and stay open, as those of agents that think."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.heads import HOST, NUMBER, connect_head, requests_of
from bench.plant import Plant
from bench.tunnel import Road, expect_ok

ANSWER = 1024


@contextmanager
def idle_tunnels(plant: Plant, count: int) -> Iterator[None]:
    """So many through the proxy."""
    with held(Road(plant.proxy_port, HOST, connect_head(f"{HOST}:443", plant.token)), count):
        yield


@contextmanager
def held(road: Road, count: int, host: str = HOST) -> Iterator[None]:
    """Opens them one after the other; each has had one answer before the next begins.

    `host` as the request names it.
    """
    request = requests_of(0, host)["json"].replace(NUMBER.encode(), b"7")
    with ExitStack() as stack:
        for _ in range(count):
            tunnel = stack.enter_context(road.opened())
            tunnel.sendall(request)
            expect_ok(tunnel, ANSWER)
        yield
