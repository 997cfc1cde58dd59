"""A spool that ends or is damaged anywhere: every record before that place is delivered, and none is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.spooling import intent, outcome, request_ids

from tameflare.link.messages import SpoolPosition
from tameflare.link.spool import decode, frame, payloads
from tameflare.proxy.backlog import Backlog
from tameflare.proxy.segments import cut_torn_tails, new_epoch_directory, segment_name
from tameflare.proxy.spool import Spool

RECORDS = [intent(1), outcome(1), intent(2), outcome(2)]
FRAMES = [frame(record) for record in RECORDS]
WHOLE = b"".join(FRAMES)
ENDS = [sum(map(len, FRAMES[:count])) for count in range(len(FRAMES) + 1)]


def spool_of(place: Path, data: bytes) -> Path:
    """The directory of a spool with one segment that holds these bytes."""
    place.mkdir(mode=0o700)
    (new_epoch_directory(place, "e1") / segment_name(0)).write_bytes(data)
    return place


def delivered(place: Path) -> list[str]:
    """What a control plane would be given."""
    backlog, found = Backlog(place), []
    while (batch := backlog.next_batch()) is not None:
        found += [decode(payload).request_id for _, payload in payloads(batch.data)]
        assert backlog.acknowledge(batch, SpoolPosition(batch.epoch, batch.sequence + batch.count))
    return found


def wanted(end: int) -> list[str]:
    """The records that are whole in the first `end` bytes."""
    return [record.request_id for record, stop in zip(RECORDS, ENDS[1:], strict=True) if stop <= end]


def test_cut_at_every_byte(tmp_path: Path) -> None:
    for size in range(len(WHOLE) + 1):
        place = spool_of(tmp_path / str(size), WHOLE[:size])
        torn = size - max(end for end in ENDS if end <= size)
        assert cut_torn_tails(place) == torn, size
        assert request_ids(place) == wanted(size)
        assert delivered(place) == wanted(size)


def test_read_without_being_cut_at_every_byte(tmp_path: Path) -> None:
    """As the shipper finds it while the proxy writes, or after the proxy is gone."""
    for size in range(len(WHOLE) + 1):
        assert delivered(spool_of(tmp_path / str(size), WHOLE[:size])) == wanted(size), size


@pytest.mark.parametrize("bit", [0x01, 0x80])
def test_damaged_at_every_byte(tmp_path: Path, bit: int) -> None:
    for at in range(len(WHOLE)):
        data = bytearray(WHOLE)
        data[at] ^= bit
        place = spool_of(tmp_path / str(at), bytes(data))
        cut_torn_tails(place)
        assert request_ids(place) == wanted(at), at


@pytest.mark.parametrize("size", [0, 1, ENDS[1], ENDS[1] + 5, ENDS[3] - 1, len(WHOLE)])
def test_a_proxy_that_starts_on_it_goes_on(tmp_path: Path, size: int) -> None:
    place = spool_of(tmp_path / "spool", WHOLE[:size])
    spool = Spool(place, "e2", max_bytes=1 << 20)
    spool.append(intent(9))
    assert spool.flush()
    spool.close()
    assert delivered(place) == [*wanted(size), intent(9).request_id]
