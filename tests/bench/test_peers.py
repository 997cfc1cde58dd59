"""The race against other proxies runs with those that are installed here; its figures are put where they belong."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from bench.figures import Scale
from bench.load import Job
from bench.peers import figures, goals, pages, report, run
from bench.peers.ours import NAME, UNMASKED
from bench.peers.processes import listening, program
from bench.peers.results import Peer, Results
from bench.peers.way import Missing

from tameflare.core.errors import TameFlareError
from tameflare.demo.product import free_port

SHORT = Scale(seconds=0.2, warmup=0.1, steady_seconds=0.3, transfer=1_000_000, tunnels=3)
SOME = {"at 200/s": figures.steady, "2 connections": figures.keep_alive(2), "new tunnels": figures.tunnels}


def results(**values: list[float | None]) -> Results:
    """Two rounds; names are `peer__figure`."""
    made = Results("a machine", "no noise", "today", 2, False, [Peer(name, "it", True) for name in ("direct", NAME)])
    for name, rounds in values.items():
        peer, _, key = name.partition("__")
        made.values.setdefault({"ours": NAME, "open": UNMASKED}.get(peer, peer), {})[key] = rounds
    return made


def verdict(found: Results, begin: str) -> goals.Verdict:
    return next(each for each in goals.verdicts(found) if each.text.startswith(begin))


@pytest.mark.skipif(sys.platform != "linux", reason="the tools use epoll and /proc")
@pytest.mark.skipif(shutil.which("gcc") is None, reason="make bench installs gcc; make test does without")
def test_those_that_are_here_are_proven_and_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FIGURES", SOME)
    monkeypatch.setattr(run, "NOISE_SECONDS", 0.1)
    names = ("nginx", "squid", "mitmproxy", "proxy.py")
    found = run.run(names, SHORT, 1, quick=True)
    there = [peer.name for peer in found.peers]
    assert {"direct", "nginx", NAME, UNMASKED} <= set(there)
    assert len(there) + len(found.missing) == len(names) + 3
    assert all(peer.verifies for peer in found.peers if peer.name != "direct")
    for name in ("nginx", NAME, UNMASKED):
        assert found.median(name, "rate_2")
        assert found.median(name, "tunnels")
    assert found.median(NAME, "idle")
    assert found.requests_on_record > 3
    assert report.page(found).count("| nginx |") == 4
    assert "| nginx (reverse proxy, no interception) |" in report.ratios(found)


def test_a_program_that_is_not_there_is_missing() -> None:
    with pytest.raises(Missing, match="`no-such-proxy` is not installed"):
        program("no-such-proxy", package="nowhere")


def test_a_program_that_does_not_listen_is_told_with_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no mood')"]
    with pytest.raises(TameFlareError) as fault, listening(command, free_port(), tmp_path, frozenset((0,))):
        pass
    assert "no mood" in fault.value.help


def test_a_ratio_is_taken_round_by_round() -> None:
    found = results(ours__rate_32=[20.0, 30.0], Squid__rate_32=[10.0, 60.0])
    kept = verdict(found, "requests/s at 32 connections, of Squid's")
    assert kept.values == [2.0, 0.5]
    assert kept.met is True


def test_a_round_that_one_of_both_has_not_counts_for_nothing() -> None:
    found = results(ours__tunnels=[20.0, 30.0], Squid__tunnels=[None, 60.0])
    assert verdict(found, "new tunnels/s").values == [0.5]
    assert verdict(found, "new tunnels/s").met is False


def test_what_is_added_is_what_the_direct_way_has_not() -> None:
    found = results(direct__p50=[1.0, 1.0], ours__p50=[1.5, 2.0], Squid__p50=[2.0, 3.0])
    assert verdict(found, "added to the median").values == [0.5, 0.5]
    assert goals.added(found, "direct", "p50") == []


def test_a_bound_above_is_met_from_below() -> None:
    assert verdict(results(ours__idle=[95.0, None]), "memory, idle").met is False
    assert verdict(results(ours__idle=[60.0, None]), "memory, idle").met is True
    assert verdict(results(), "memory, idle").met is None


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "peers.json"
    found = results(ours__idle=[60.0, None])
    found.save(kept)
    assert Results.load(kept) == found
    kept.write_text("{}")
    with pytest.raises(TameFlareError, match="holds no results"):
        Results.load(kept)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/performance.md"):
        (tmp_path / name).write_text(f"before\n{pages.BEGIN}old\n{pages.END}after\n")
    return tmp_path


def test_figures_are_written_between_their_marks(documents: Path) -> None:
    pages.write(results(ours__idle=[60.0, None]), documents)
    text = (documents / "docs" / "performance.md").read_text()
    assert "60.0 MB | met |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")


def test_figures_of_a_quick_run_are_not_written(documents: Path) -> None:
    found = results()
    found.quick = True
    with pytest.raises(TameFlareError, match="not published"):
        pages.write(found, documents)


@pytest.mark.parametrize("name", ["README.md", "docs/performance.md"])
def test_the_documents_have_room_for_figures(name: str) -> None:
    assert "new" in pages.replaced((pages.ROOT / name).read_text(), "new", name)
    with pytest.raises(TameFlareError, match="no place for the figures"):
        pages.replaced("nothing", "new", name)


def test_answers_of_another_size_are_no_figures() -> None:
    class Short:
        def cpu_seconds(self) -> float:
            return 0.0

        def run(self, _program: Path, job: Job) -> object:
            return figures.Found(1.0, 10, 10, 0, 0, "", 100, 0, None, None)  # type: ignore[arg-type]

    with pytest.raises(TameFlareError, match="not as long"):
        figures.keep_alive(1)(Short(), Path(), SHORT)  # type: ignore[arg-type]
