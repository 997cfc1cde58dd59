"""The record spool as the proxy sees it."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.spooling import intent, outcome, request_ids
from tests.support.waiting import wait_for

from tameflare.link.messages import Record
from tameflare.proxy import spool_sync
from tameflare.proxy.segments import segments
from tameflare.proxy.spool import Spool, SpoolFault

CAP = 1 << 30


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool", "e1", max_bytes=CAP, fsync_interval=0.01)
    yield opened
    opened.close()


def put(spool: Spool, *records: Record) -> bool:
    for record in records:
        spool.append(record)
    return spool.flush()


def test_a_turn_is_on_disk_when_flush_says_so(spool: Spool, tmp_path: Path) -> None:
    assert put(spool, intent(1), intent(2), outcome(1))
    assert request_ids(tmp_path / "spool") == [intent(1).request_id, intent(2).request_id, outcome(1).request_id]
    assert spool.sequence == 3


def test_nothing_is_on_disk_before_flush(spool: Spool, tmp_path: Path) -> None:
    spool.append(intent(1))
    assert request_ids(tmp_path / "spool") == []


def test_a_turn_is_one_write(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: writes.append(len(data)) or real(file, data))
    assert put(spool, *(intent(number) for number in range(50)))
    assert spool.flush()
    assert len(writes) == 1
    assert writes[0] == spool.backlog_bytes


def test_files_are_private(spool: Spool, tmp_path: Path) -> None:
    put(spool, intent())
    entry = segments(tmp_path / "spool")[0]
    assert entry.path.stat().st_mode & 0o777 == 0o600
    assert entry.path.parent.stat().st_mode & 0o777 == 0o700
    assert (entry.epoch, entry.first) == ("e1", 0)


def test_segments_begin_with_their_first_sequence(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "e1", max_bytes=CAP, segment_bytes=1000)
    for number in range(12):
        assert put(spool, intent(number))
    spool.close()
    firsts = [entry.first for entry in segments(tmp_path)]
    assert firsts == [0, 4, 8]
    assert request_ids(tmp_path) == [intent(number).request_id for number in range(12)]


def test_a_full_spool_refuses_and_takes_records_again_once_some_are_delivered(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "e1", max_bytes=8_000, fsync_interval=0.01)
    while put(spool, intent()):
        continue
    assert spool.backlog_bytes <= 8_000
    assert "full" in spool.problem
    assert spool.refused == 1
    assert len(request_ids(tmp_path)) == spool.sequence
    for entry in segments(tmp_path)[:-1]:
        entry.path.unlink()
    wait_for(lambda: put(spool, intent()), "room in the spool")
    assert spool.problem == ""
    spool.close()


def test_backlog_of_older_epochs_counts(tmp_path: Path) -> None:
    first = Spool(tmp_path, "e1", max_bytes=CAP)
    put(first, intent())
    first.close()
    second = Spool(tmp_path, "e2", max_bytes=CAP)
    assert second.backlog_bytes == first.backlog_bytes > 0
    second.close()


def test_an_epoch_is_never_gone_on_with(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="used before"):
        Spool(tmp_path / "spool", "e1", max_bytes=CAP)


def test_a_record_that_no_reader_would_take_is_refused_at_once(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(SpoolFault, match="too long"):
        spool.append(intent(path="/" + "x" * (1 << 20)))
    assert put(spool, intent(2))
    assert request_ids(tmp_path / "spool") == [intent(2).request_id]


def test_written_records_reach_the_disk_by_themselves(spool: Spool) -> None:
    put(spool, intent())
    wait_for(lambda: spool._sync.syncs > 0, "an fsync")


def test_a_disk_that_fails_to_sync_stops_records_until_it_works_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(file: int) -> None:
        raise OSError(errno.EIO, "broken disk")

    with monkeypatch.context() as patch:
        patch.setattr(spool_sync.os, "fdatasync", broken)
        put(spool, intent())
        wait_for(lambda: not put(spool, intent()), "a refusal")
        assert "cannot be put on the disk" in spool.problem
    wait_for(lambda: put(spool, intent()), "the disk to be trusted again")


def test_closing_ends_the_thread_and_may_be_repeated(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "e1", max_bytes=CAP)
    put(spool, intent())
    spool.close()
    spool.close()
    assert "spool-sync" not in {thread.name for thread in threading.enumerate()}
