"""The measuring tools compile without a warning and tell the truth; the whole gives numbers for a short run."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.figures import Row, Scale
from bench.load import Job

from bench import figures, load, machine, native, plant, report
from tameflare.core.errors import TameFlareError
from tameflare.demo.certificates import make_certificates

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the tools use epoll and /proc"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="make bench installs gcc; make test does without"),
]

SHORT = Scale(seconds=0.5, warmup=0.1, steady_seconds=0.5, transfer=1_000_000, tunnels=5)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return native.build(tmp_path_factory.mktemp("build"), "-Werror")


@pytest.fixture(scope="module")
def port(programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    made = make_certificates(tmp_path_factory.mktemp("certificates"), [plant.HOST])
    with plant.serving([str(programs["upstream"]), str(made.certificate), str(made.key)]) as port:
        yield port


def run(programs: dict[str, Path], port: int, directory: Path, job: Job) -> load.Found:
    head = directory / "head"
    head.write_bytes(plant.requests_of(job.size)[job.request])
    return load.run(programs["load"], job, port, ["--request", str(head)])


def test_a_closed_loop_counts_what_it_times(programs: dict[str, Path], port: int, tmp_path: Path) -> None:
    found = run(programs, port, tmp_path, Job("json", connections=4, seconds=0.3))
    assert found.answers == found.times_us.count > 4
    assert found.bytes_in == found.answers * 1024
    assert found.times_us.p50 <= found.times_us.p99 <= found.times_us.max


def test_a_given_rate_is_kept(programs: dict[str, Path], port: int, tmp_path: Path) -> None:
    found = run(programs, port, tmp_path, Job("json", connections=8, seconds=1.0, rate=100))
    assert 50 <= found.answers <= 102


def test_connections_can_be_fresh(programs: dict[str, Path], port: int, tmp_path: Path) -> None:
    assert run(programs, port, tmp_path, Job("json", connections=2, seconds=0.3, fresh=True)).answers > 0


@pytest.mark.parametrize(("request_name", "direction"), [("download", "bytes_in"), ("upload", "bytes_out")])
def test_bodies_arrive_whole(
    programs: dict[str, Path], port: int, tmp_path: Path, request_name: str, direction: str
) -> None:
    found = run(programs, port, tmp_path, Job(request_name, seconds=20, requests=2, size=3_000_001))
    assert (found.answers, getattr(found, direction)) == (2, 6_000_002)


def test_events_tell_their_delay(programs: dict[str, Path], port: int, tmp_path: Path) -> None:
    delays = run(programs, port, tmp_path, Job("events", connections=2, seconds=0.5, events=True)).delays_us
    assert delays.count > 10
    assert 0 < delays.p50 < 500_000


def test_a_relay_passes_everything_on(programs: dict[str, Path], port: int, tmp_path: Path) -> None:
    with plant.serving([str(programs["relay"]), str(port)]) as relay:
        assert run(programs, relay, tmp_path, Job("json", connections=4, seconds=0.3)).answers > 4
        found = run(programs, relay, tmp_path, Job("json", connections=2, seconds=0.3, fresh=True))
    assert found.bytes_in == found.answers * 1024 > 0


def test_failures_are_no_figures(programs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(TameFlareError, match="requests failed"):
        run(programs, 1, tmp_path, Job("json", seconds=0.5))


def test_a_source_that_does_not_compile_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(native, "SOURCES", tmp_path)
    (tmp_path / "stream.c").write_text("nonsense")
    with pytest.raises(TameFlareError, match="`load` does not compile"):
        native.build(tmp_path / "out")


def test_the_product_under_load_gives_numbers() -> None:
    with plant.running() as running:
        assert machine.command(running.proxy_pid)[-2:] == ["tameflare.proxy", ""]
        rows = [
            row
            for figure in (figures.memory, figures.throughput(4), figures.transfer("upload"))
            for row in figure(running, SHORT)
        ]
        running.settle()
        running.check_records()
    found = {row.name: row for row in rows}
    assert found["requests/s, 4 connections"].ours > 10
    assert 20 < found["memory of the proxy, idle"].ours < 500
    assert found["upload of 1 MB"].ours > 0


def test_a_table_shows_medians_spreads_and_what_was_added() -> None:
    values = [(1.0, 3.0), (2.0, 2.5), (1.5, 9.0)]
    rows = [Row("time of a request at 200/s: p50", "ms", direct, ours) for direct, ours in values]
    text = report.table(report.lines([*rows, Row("memory", "MB", None, 1234.5)]))
    cells = [[cell.strip() for cell in re.split(r"\|", line)[1:-1]] for line in text.splitlines()[2:]]
    assert cells[0] == [
        "time of a request at 200/s: p50",
        "ms",
        "1.50 (1.00 to 2.00)",
        "",
        "3.00 (2.50 to 9.00)",
        "2.00 (0.50 to 7.50)",
    ]
    assert cells[1] == ["memory", "MB", "", "", "1,234", ""]
