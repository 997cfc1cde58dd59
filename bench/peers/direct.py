"""No proxy at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers.site import Site
from bench.peers.way import Way


@contextmanager
def running(site: Site) -> Iterator[Way]:
    port = site.plant.upstream_port
    yield Way("direct", "the upstream itself", port, site.room("direct"), site.upstream.authority)
