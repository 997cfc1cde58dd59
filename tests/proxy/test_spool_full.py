"""A disk that is full: the records are refused, no half of one stays, and later ones are delivered."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.spooling import request_ids

from tameflare.link.messages import SpoolPosition
from tameflare.link.spool import decode, payloads
from tameflare.proxy.backlog import Backlog

# A limit on the size of files cuts a write short at any byte, as a full disk does.
LIMITED = """
import resource, sys
from pathlib import Path
from tameflare.proxy.spool import Spool
from tests.support.spooling import intent
spool = Spool(Path(sys.argv[1]), "e1", max_bytes=1 << 30)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
accepted = []
def turn(first):
    for number in range(first, first + 5):
        spool.append(intent(number))
    if spool.flush():
        accepted.extend(range(first, first + 5))
        return True
    return False
number = 0
while turn(number):
    number += 5
assert "disk" in spool.problem, spool.problem
assert turn(1000)  # a new segment has room again
resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
assert not turn(2000)
assert not turn(3000)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert turn(4000)
assert spool.problem == ""
spool.close()
print(*accepted)
"""


def everything(directory: Path) -> list[tuple[int, str]]:
    """(sequence, request id) as a control plane would be sent them."""
    backlog = Backlog(directory)
    found = []
    while (batch := backlog.next_batch()) is not None:
        records = (decode(payload) for _, payload in payloads(batch.data))
        found += [(batch.sequence + at, record.request_id) for at, record in enumerate(records)]
        backlog.acknowledge(batch, SpoolPosition(batch.epoch, batch.sequence + batch.count))
    return found


def test_what_a_limit_cuts_short_is_refused_whole(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    accepted = [f"req_{int(number):026d}" for number in done.stdout.split()]
    assert request_ids(tmp_path) == accepted
    delivered = everything(tmp_path)
    assert [request_id for _, request_id in delivered] == accepted
    sequences = [sequence for sequence, _ in delivered]
    assert sequences == sorted(set(sequences)), "a sequence stands for one record only"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB; needs the right to mount."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "tameflare-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system takes root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


ON_DISK = """
import sys
from pathlib import Path
from tameflare.proxy.spool import Spool
from tests.support.spooling import intent
place = Path(sys.argv[1])
spool = Spool(place, "e1", max_bytes=1 << 30)
accepted = []
def turn(first):
    for number in range(first, first + 3):
        spool.append(intent(number))
    if spool.flush():
        accepted.extend(range(first, first + 3))
        return True
    return False
number = 0
while turn(number):
    number += 3
for later in range(5):
    assert not turn(10_000)
assert "spool cannot" in spool.problem, spool.problem
(place / "ballast").unlink()
assert turn(20_000)
spool.close()
print(*accepted)
"""


def test_a_full_file_system_refuses_and_recovers(tiny_disk: Path) -> None:
    (tiny_disk / "ballast").write_bytes(b"x" * 50_000)
    done = subprocess.run([sys.executable, "-c", ON_DISK, str(tiny_disk)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    accepted = [f"req_{int(number):026d}" for number in done.stdout.split()]
    assert request_ids(tiny_disk) == accepted
    assert [request_id for _, request_id in everything(tiny_disk)] == accepted
