"""What ours should reach against the others, as ratios within one run."""

from __future__ import annotations

from dataclasses import dataclass
from operator import sub, truediv
from statistics import median

from bench.peers.ours import NAME, UNMASKED
from bench.peers.results import Results

TIMES = "\N{MULTIPLICATION SIGN}"
DIRECT, NGINX, SQUID, MITMPROXY = "direct", "nginx", "Squid", "mitmproxy"


@dataclass(frozen=True)
class Verdict:
    """`values` are those of the rounds; none where a peer is missing. `bound`: the least that is good, or the most."""

    text: str
    bound: float
    most: bool
    values: list[float]
    unit: str = TIMES

    @property
    def median(self) -> float | None:
        return median(self.values) if self.values else None

    @property
    def met(self) -> bool | None:
        """None where it was not measured."""
        if self.median is None:
            return None
        return self.median <= self.bound if self.most else self.median >= self.bound


def verdicts(results: Results) -> list[Verdict]:
    def at_least(text: str, bound: float, key: str, other: str, ours: str = NAME) -> Verdict:
        return Verdict(text, bound, False, results.against(ours, other, key, truediv))

    def at_most(text: str, bound: float, key: str, unit: str) -> Verdict:
        return Verdict(text, bound, True, results.of(NAME, key), unit)

    return [
        at_least("requests/s at 32 connections, of Squid's", 1, "rate_32", SQUID),
        at_least("requests/s at 32 connections, of mitmproxy's", 15, "rate_32", MITMPROXY),
        Verdict("added to the median at 200/s, of what Squid adds", 1, True, _added_ratio(results)),
        at_least("new tunnels/s, of Squid's", 1, "tunnels", SQUID),
        at_least("download, of nginx's", 0.5, "download", NGINX),
        at_least("upload, of nginx's", 0.5, "upload", NGINX),
        at_least("download without a credential to mask, of nginx's", 0.8, "download", NGINX, UNMASKED),
        at_least("upload without a credential to mask, of nginx's", 0.8, "upload", NGINX, UNMASKED),
        at_most("memory, idle", 90, "idle", "MB"),
        at_most("memory per idle tunnel", 60, "per_tunnel", "kB"),
    ]


def added(results: Results, peer: str, key: str) -> list[float]:
    """What a way adds to a time, round by round; nothing for the direct one."""
    return [] if peer == DIRECT else results.against(peer, DIRECT, key, sub)


def _added_ratio(results: Results) -> list[float]:
    ours, theirs = added(results, NAME, "p50"), added(results, SQUID, "p50")
    return [one / two for one, two in zip(ours, theirs, strict=False) if two > 0]
