"""Two servers on one database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tameflare.control.store.lock import DatabaseInUse, ServerLock

_HOLD = """
import sys
from pathlib import Path
from tameflare.control.store.lock import ServerLock
ServerLock.hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_server_is_refused_by_name_and_may_start_after_the_first_was_killed(tmp_path: Path) -> None:
    database = tmp_path / "tameflare.db"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(DatabaseInUse, match=f"process {first.pid}"):
            ServerLock.hold(database)
        first.kill()
    lock = ServerLock.hold(database)
    assert (tmp_path / "server.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_link_to_the_same_database_is_the_same_database(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "other").symlink_to(real)
    lock = ServerLock.hold(real / "tameflare.db")
    with pytest.raises(DatabaseInUse):
        ServerLock.hold(tmp_path / "other" / "tameflare.db")
    lock.release()
