"""The proxy's counters: plain integers on the hot path, Prometheus text when somebody asks.

Everything here belongs to the loop, so a counter is `+= 1` and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

DURATION_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
OVERHEAD_BOUNDS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)


class Histogram:
    """Counts of durations by upper bound, in seconds. What is observed is put in its place later, by `settle`."""

    __slots__ = ("_bounds", "_counts", "_fresh", "_total", "observe")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0
        self._fresh: list[float] = []
        self.observe = self._fresh.append

    def settle(self) -> None:
        """Count what was observed since the last time; to be called about once a second."""
        for seconds in self._fresh:
            self._counts[bisect_left(self._bounds, seconds)] += 1
        self._total += sum(self._fresh)
        self._fresh.clear()

    def family(self, name: str, text: str) -> Metric:
        self.settle()
        buckets: list[tuple[str, float]] = []
        running = 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            running += count
            buckets.append((bound, running))
        return HistogramMetricFamily(name, text, buckets=buckets, sum_value=self._total)


class Metrics(Collector):
    """Counters by label, ready to be added to: `metrics.requests["allow"] += 1`.

    `requests` by effective verdict, `denied` by reason code, `connector_errors` by connector's name. What other parts
    know at the time of asking is registered with `gauge` and `counter`. `finished` takes, of a request that was let
    through, its duration and what of it was ours, in seconds, to be counted by `settle`.
    """

    def __init__(self) -> None:
        self.requests: defaultdict[str, int] = defaultdict(int)
        self.denied: defaultdict[str, int] = defaultdict(int)
        self.connector_errors: defaultdict[str, int] = defaultdict(int)
        self.rate_limit_hits = 0
        self.duration = Histogram(DURATION_BOUNDS)
        self.overhead = Histogram(OVERHEAD_BOUNDS)
        self._finished: list[tuple[float, float]] = []
        self.finished = self._finished.append
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []
        self._counts: list[tuple[str, str, Callable[[], float]]] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def settle(self) -> None:
        """Count the requests that were let through and ended, and sort their durations into the histograms."""
        self.requests["allow"] += len(self._finished)
        for took, overhead in self._finished:
            self.duration.observe(took)
            self.overhead.observe(overhead)
        self._finished.clear()
        self.duration.settle()
        self.overhead.settle()

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show `tameflare_<name>`, read when asked for."""
        self._gauges.append((f"tameflare_{name}", text, read))

    def counter(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show `tameflare_<name>_total`, a number that only rises, read when asked for."""
        self._counts.append((f"tameflare_{name}", text, read))

    def render(self) -> bytes:
        """The text of `/metrics`, to be sent with CONTENT_TYPE."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        self.settle()
        yield from self._counters()
        yield self.duration.family(
            "tameflare_request_duration_seconds", "From a request's head to the end of its answer."
        )
        yield self.overhead.family("tameflare_proxy_overhead_seconds", "What the proxy itself took of a request.")
        for name, text, read in self._gauges:
            yield GaugeMetricFamily(name, text, value=read())

    def _counters(self) -> Iterable[Metric]:
        yield _by_label("tameflare_requests", "Requests by verdict.", "decision", self.requests)
        yield _by_label("tameflare_requests_denied", "Requests that were not let through.", "reason", self.denied)
        yield _by_label("tameflare_connector_errors", "Upstream faults.", "connector", self.connector_errors)
        yield CounterMetricFamily(
            "tameflare_rate_limit_hits", "Requests over their agent's rate.", value=self.rate_limit_hits
        )
        for name, text, read in self._counts:
            yield CounterMetricFamily(name, text, value=read())


def _by_label(name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=(label,))
    for value, count in sorted(counts.items()):
        family.add_metric((value,), count)
    return family
