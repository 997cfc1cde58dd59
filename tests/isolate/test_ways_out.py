"""Each way out, tried by a real process inside."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.isolate.conftest import Isolated
from tests.isolate.ways import WAYS

import tameflare.core.judge

OLD_CALLS = {f"the same by {name}" for name in ("open", "creat", "mknod")}
SET_USER_ID = {"a set-user-ID file", "a set-group-ID file", "the same without a name at first"}
SET_USER_ID |= {f"the same by {name}" for name in ("openat", "openat2", "mknodat")}
PROGRAM = Path(__file__).with_name("ways.py")


def ways(isolated: Isolated, port: int) -> dict[str, str]:
    """What came of each way. The program is carried in by itself: where it lies is not everybody's to read."""
    code = tameflare.core.judge.__file__
    ended = isolated.run("python3", "-c", PROGRAM.read_text(), str(port), code, options=["-q"])
    assert ended.code == 0, ended.err
    found: dict[str, str] = json.loads(ended.out)
    return found


def test_every_way_is_closed(isolated: Isolated) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        found = ways(isolated, outside.getsockname()[1])
    assert found.keys() == WAYS.keys()
    assert {name: told for name, told in found.items() if told.startswith("open")} == {}
    assert [path for path in isolated.home.rglob("*") if path.lstat().st_mode & 0o6000] == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the ways are those of Linux")
def test_the_ways_do_find_what_is_open(tmp_path: Path) -> None:
    """The same program without isolation: else `closed` would say nothing."""
    for name in (".config/tameflare", ".tameflare", ".tf"):
        (tmp_path / name).mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as outside:
        words = [sys.executable, str(PROGRAM), str(outside.getsockname()[1]), os.devnull]
        done = subprocess.run(words, env={"HOME": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True)
    open_ways = {name for name, told in json.loads(done.stdout).items() if told.startswith("open")}
    wanted = {"processes outside", "a service on the host's loopback", "TameFlare's code", "plant data", "keyring"}
    assert wanted | (set() if os.uname().machine == "aarch64" else OLD_CALLS) | SET_USER_ID <= open_ways


@pytest.mark.skipif(shutil.which("ip") is None, reason="needs iproute2")
def test_only_loopback_is_there(isolated: Isolated) -> None:
    ended = isolated.shell("ip -br addr; ip route; ip -6 route show default")
    assert ended.out.split()[:2] == ["lo", "UNKNOWN"]
    assert len(ended.out.splitlines()) == 1


def test_the_way_in_leads_to_the_proxy_and_is_the_only_listener(isolated: Isolated) -> None:
    port = isolated.proxy.url.rpartition(":")[2]
    program = (
        "import os,urllib.request as u\n"
        "for name in list(os.environ):\n"
        "    if name.lower().endswith('_proxy'): del os.environ[name]\n"
        f"print(u.urlopen('http://127.0.0.1:{port}/run/x').read().decode())\n"
        "print(sum(line.split()[3] == '0A' for line in open('/proc/net/tcp')))"
    )
    ended = isolated.run(sys.executable if isolated.user == os.geteuid() else "python3", "-c", program, options=["-q"])
    counts, listeners = ended.out.splitlines()
    assert json.loads(counts)["allowed"] == 3
    assert int(listeners) == 1 + (shutil.which("java") is not None)
