"""`kill -9` of a process that writes the spool."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.spooling import intent, request_ids

from tameflare.link.spool import frame
from tameflare.proxy.segments import segments
from tameflare.proxy.spool import Spool

WRITER = """
import os, sys
from pathlib import Path
from tameflare.proxy.spool import Spool
from tests.support.spooling import intent
spool = Spool(Path(sys.argv[1]), sys.argv[2], max_bytes=1 << 30, segment_bytes=20_000)
number = 0
while True:
    for _ in range(1 + number % 7):
        spool.append(intent(number))
        number += 1
    assert spool.flush()
    os.write(1, b"%d\\n" % number)
"""


def killed_writer(directory: Path, epoch: str, after: int) -> int:
    """Let a process write until it has said `after` times that records are safe, kill it; how many it said were."""
    command = [sys.executable, "-c", WRITER, str(directory), epoch]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(after):
            said = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines(keepends=True)
    whole = [line for line in (said, *rest) if line.endswith(b"\n")]
    return int(whole[-1])


def test_nothing_that_was_flushed_is_lost(tmp_path: Path) -> None:
    moments = random.Random(7)
    promised: list[str] = []
    for life in range(6):
        before = len(request_ids(tmp_path)) if life else 0
        count = killed_writer(tmp_path, f"e{life}", moments.randrange(1, 400))
        Spool(tmp_path, f"reader{life}", max_bytes=1 << 30).close()
        now = request_ids(tmp_path)[before:]
        promised = [intent(number).request_id for number in range(count)]
        assert now[:count] == promised
        assert now == [intent(number).request_id for number in range(len(now))]


@pytest.mark.parametrize("torn", [1, 7, 8, 9, 100])
def test_a_torn_tail_is_cut_at_the_last_whole_frame(tmp_path: Path, torn: int) -> None:
    spool = Spool(tmp_path, "e1", max_bytes=1 << 30)
    spool.append(intent(1))
    assert spool.flush()
    spool.close()
    path = segments(tmp_path)[0].path
    with path.open("ab") as file:
        file.write(frame(intent(2))[:torn])
    after = Spool(tmp_path, "e2", max_bytes=1 << 30)
    after.close()
    assert after.cut_bytes == torn
    assert request_ids(tmp_path) == [intent(1).request_id]


def test_a_frame_with_a_wrong_checksum_is_cut_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "e1", max_bytes=1 << 30)
    spool.append(intent(1))
    spool.append(intent(2))
    assert spool.flush()
    spool.close()
    path = segments(tmp_path)[0].path
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    Spool(tmp_path, "e2", max_bytes=1 << 30).close()
    assert request_ids(tmp_path) == [intent(1).request_id]
