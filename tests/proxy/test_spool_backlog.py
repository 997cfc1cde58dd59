"""Reading the spool for delivery."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.spooling import intent

from tameflare.link.messages import SpoolPosition
from tameflare.link.spool import frame
from tameflare.proxy.backlog import Backlog, Batch
from tameflare.proxy.segments import segments
from tameflare.proxy.spool import Spool


def write(directory: Path, epoch: str, count: int, segment_bytes: int = 1000) -> Spool:
    spool = Spool(directory, epoch, max_bytes=1 << 30, segment_bytes=segment_bytes)
    for number in range(count):
        spool.append(intent(number))
        assert spool.flush()
    return spool


def take(backlog: Backlog) -> Batch:
    batch = backlog.next_batch()
    assert batch is not None
    return batch


def accept(backlog: Backlog, batch: Batch, count: int | None = None) -> bool:
    stored = batch.count if count is None else count
    return backlog.acknowledge(batch, SpoolPosition(batch.epoch, batch.sequence + stored))


def test_batches_come_in_order_and_delivered_segments_go(tmp_path: Path) -> None:
    spool = write(tmp_path, "e1", 10)
    backlog = Backlog(tmp_path)
    seen = []
    while (batch := backlog.next_batch()) is not None:
        seen += list(range(batch.sequence, batch.sequence + batch.count))
        assert accept(backlog, batch)
    assert seen == list(range(10))
    assert len(segments(tmp_path)) == 1, "only the segment that is being written stays"
    assert backlog.waiting_bytes() == 0
    spool.close()


def test_the_same_batch_comes_again_until_it_is_acknowledged(tmp_path: Path) -> None:
    write(tmp_path, "e1", 3).close()
    backlog = Backlog(tmp_path)
    assert take(backlog) == take(backlog)


def test_a_part_that_was_taken_is_not_sent_again(tmp_path: Path) -> None:
    write(tmp_path, "e1", 4, segment_bytes=1 << 20).close()
    backlog = Backlog(tmp_path)
    assert accept(backlog, take(backlog), 3)
    assert (take(backlog).sequence, take(backlog).count) == (3, 1)


def test_a_control_plane_that_is_ahead_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "e1", 10).close()
    backlog = Backlog(tmp_path)
    assert backlog.acknowledge(take(backlog), SpoolPosition("e1", 9))
    assert take(backlog).sequence == 9


def test_a_control_plane_that_went_back_is_sent_what_is_still_there(tmp_path: Path) -> None:
    write(tmp_path, "e1", 4, segment_bytes=1 << 20).close()
    backlog = Backlog(tmp_path)
    assert accept(backlog, take(backlog), 3)
    assert backlog.acknowledge(take(backlog), SpoolPosition("e1", 1))
    assert take(backlog).sequence == 1


def test_no_progress_is_told(tmp_path: Path) -> None:
    write(tmp_path, "e1", 4).close()
    backlog = Backlog(tmp_path)
    assert not accept(backlog, take(backlog), 0)


def test_an_answer_about_another_epoch_is_no_answer(tmp_path: Path) -> None:
    write(tmp_path, "e1", 1).close()
    backlog = Backlog(tmp_path)
    with pytest.raises(ValueError, match="epoch `e9`"):
        backlog.acknowledge(take(backlog), SpoolPosition("e9", 1))


def test_older_epochs_come_first_and_their_directories_go(tmp_path: Path) -> None:
    write(tmp_path, "old", 5).close()
    spool = write(tmp_path, "new", 1)
    backlog = Backlog(tmp_path)
    epochs = []
    while (batch := backlog.next_batch()) is not None:
        epochs.append(batch.epoch)
        accept(backlog, batch)
    assert epochs[0] == "old"
    assert epochs[-1] == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["00000002-new"]
    spool.close()


def test_a_half_written_frame_at_the_end_is_waited_for(tmp_path: Path) -> None:
    write(tmp_path, "e1", 1).close()
    path = segments(tmp_path)[0].path
    data = frame(intent(1))
    with path.open("ab") as file:
        file.write(data[:20])
        file.flush()
        backlog = Backlog(tmp_path)
        accept(backlog, take(backlog))
        assert backlog.next_batch() is None
        file.write(data[20:])
    assert take(backlog).sequence == 1


def test_a_damaged_segment_is_kept_aside_and_the_next_one_is_read(tmp_path: Path) -> None:
    spool = write(tmp_path, "e1", 8)
    first = segments(tmp_path)[0].path
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.write_bytes(data)
    backlog = Backlog(tmp_path)
    seen = []
    while (batch := backlog.next_batch()) is not None:
        seen += list(range(batch.sequence, batch.sequence + batch.count))
        accept(backlog, batch)
    assert seen == [0, 1, 2, 4, 5, 6, 7]
    assert first.with_suffix(".damaged").exists()
    spool.close()
