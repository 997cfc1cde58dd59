"""What processes of ours do at their start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tameflare import process
from tameflare.process import StartFault


def test_a_directory_is_made_private(tmp_path: Path) -> None:
    made = process.private_directory(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_a_wide_directory_is_refused(tmp_path: Path, mode: int) -> None:
    place = tmp_path / "data"
    place.mkdir()
    place.chmod(mode)
    with pytest.raises(StartFault, match="may be used by others"):
        process.private_directory(place)
    assert process.private_directory(place, allow_wide=True) == place


def test_a_wide_file_deep_inside_is_refused(tmp_path: Path) -> None:
    place = process.private_directory(tmp_path / "data")
    (place / "server").mkdir(mode=0o700)
    inner = place / "server" / "tameflare.db"
    inner.touch(mode=0o600)
    process.private_directory(place)
    inner.chmod(0o644)
    with pytest.raises(StartFault, match=r"tameflare\.db` may be used by others \(mode 644\); run `chmod 600"):
        process.private_directory(place)


def test_a_file_in_the_place_of_the_directory_is_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StartFault, match="cannot be used: File exists"):
        process.private_directory(tmp_path / "data")


def test_a_private_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"old and longer")
    place.chmod(0o644)
    process.write_private(place, b"new")
    assert place.read_bytes() == b"new"
    assert place.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [place]


HOLD = """
import sys
from pathlib import Path
from tameflare.process import hold_lock
kept = hold_lock(Path(sys.argv[1]), "server")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_names_its_holder_and_is_free_after_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "server.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(StartFault, match=rf"another server \(process {first.pid}\) uses `{tmp_path}`; stop it"):
            process.hold_lock(path, "server")
        first.kill()
    with process.hold_lock(path, "server"):
        assert path.read_text() == f"{os.getpid()}\n"
    process.hold_lock(path, "server").close()


def test_a_link_to_the_same_directory_is_the_same_lock(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "other").symlink_to(tmp_path / "real")
    with process.hold_lock(tmp_path / "real" / "lock", "proxy"), pytest.raises(StartFault, match="another proxy"):
        process.hold_lock(tmp_path / "other" / "lock", "proxy")


HARDENED = """
import ctypes, resource
from tameflare.process import harden
harden()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_a_hardened_process_is_undumpable() -> None:
    done = subprocess.run([sys.executable, "-c", HARDENED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 (0, 0)"


def test_a_socket_is_inherited() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        inherited = process.inherited_socket({"TF_LISTEN_FD": str(os.dup(listener.fileno()))})
        assert inherited is not None
        with inherited:
            assert inherited.getsockname() == listener.getsockname()
            assert not inherited.get_inheritable()
            assert not inherited.getblocking()


def test_no_socket_is_inherited_without_the_variable() -> None:
    assert process.inherited_socket({}) is None


@pytest.mark.parametrize("value", ["x", "-1", "99999"])
def test_what_is_no_socket_is_a_clear_fault(value: str) -> None:
    with pytest.raises(StartFault, match=f"TF_LISTEN_FD `{value}` is no socket"):
        process.inherited_socket({"TF_LISTEN_FD": value})
