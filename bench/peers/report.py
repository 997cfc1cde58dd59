"""Results as Markdown: medians of the rounds, the lowest and the highest in brackets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from statistics import median

from bench.cells import cell, number
from bench.peers.goals import DIRECT, NGINX, TIMES, Verdict, added, verdicts
from bench.peers.ours import NAME
from bench.peers.results import Results

Column = tuple[str, Callable[[Results, str], list[float]]]


def _plain(title: str, key: str) -> Column:
    return title, lambda results, peer: results.of(peer, key)


def _added(title: str, key: str) -> Column:
    return title, lambda results, peer: added(results, peer, key)


TABLES: tuple[tuple[Column, ...], ...] = (
    (
        _plain("requests/s, 1 connection", "rate_1"),
        _plain("32 connections", "rate_32"),
        _plain("256 connections", "rate_256"),
        _plain("CPU per request at 32, µs", "cpu_32"),
    ),
    (
        _plain("p50 at 200/s, ms", "p50"),
        _plain("p99", "p99"),
        _added("added p50", "p50"),
        _added("added p99", "p99"),
        _plain("event p50, ms", "event_p50"),
        _plain("event p99", "event_p99"),
    ),
    (
        _plain("new tunnels/s", "tunnels"),
        _plain("CPU per tunnel, µs", "cpu_tunnel"),
        _plain("download, MB/s", "download"),
        _plain("CPU of 100 MB, ms", "cpu_download"),
        _plain("upload, MB/s", "upload"),
        _plain("CPU of 100 MB, ms", "cpu_upload"),
        _plain("memory idle, MB", "idle"),
        _plain("kB per idle tunnel", "per_tunnel"),
    ),
)
RATIOS = (
    ("requests/s at 32", "rate_32"),
    ("new tunnels/s", "tunnels"),
    ("download", "download"),
    ("upload", "upload"),
)


def page(results: Results) -> str:
    """Everything."""
    rounds = "1 round" if results.rounds == 1 else f"{results.rounds} rounds"
    quick = " with `--quick`, which shows that it works and not how fast it is" if results.quick else ""
    about = (
        f"{results.date}; {results.machine}; {results.noise}; {rounds}{quick}; "
        f"{results.requests_on_record:,} requests on record.\n"
    )
    notes = "".join(f"- {sentence}\n" for sentence in (*results.missing, *results.faults))
    parts = [about, _peers(results), *(_table(results, columns) for columns in TABLES), _goals(verdicts(results))]
    return "\n".join([*parts, notes] if notes else parts)


def ratios(results: Results) -> str:
    """Ours against each other proxy, for those who want one line each."""
    rows = []
    for peer in results.peers:
        if peer.name == DIRECT or peer.name.startswith(NAME):
            continue
        name = f"{peer.name} (reverse proxy, no interception)" if peer.name == NGINX else peer.name
        cells = (results.against(NAME, peer.name, key, lambda one, two: one / two) for _, key in RATIOS)
        rows.append([name, *(f"{number(median(values))} {TIMES}" if values else "-" for values in cells)])
    return markdown(["TameFlare against", *(title for title, _ in RATIOS)], rows)


def _peers(results: Results) -> str:
    rows = (
        [peer.name, peer.about, "yes" if peer.verifies else "**no**"] for peer in results.peers if peer.name != DIRECT
    )
    return markdown(["", "what it is", "verifies the upstream"], rows)


def _table(results: Results, columns: tuple[Column, ...]) -> str:
    rows = ([peer.name, *(cell(values(results, peer.name)) for _, values in columns)] for peer in results.peers)
    return markdown(["", *(title for title, _ in columns)], rows)


def _goals(found: Iterable[Verdict]) -> str:
    return markdown(["goal", "wanted", "measured", ""], map(_goal, found))


def _goal(verdict: Verdict) -> list[str]:
    sign = "at most" if verdict.most else "at least"
    met = {True: "met", False: "**not met**", None: "not measured"}[verdict.met]
    measured = f"{cell(verdict.values)} {verdict.unit}" if verdict.values else ""
    return [verdict.text, f"{sign} {verdict.bound:g} {verdict.unit}", measured, met]


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in _rows(list(head), rows))


def _rows(head: list[str], rows: Iterable[Iterable[str]]) -> Iterator[list[str]]:
    yield head
    yield ["---"] * len(head)
    yield from map(list, rows)
