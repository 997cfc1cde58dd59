"""The control plane as a process: it starts, says what it must, stops when told, and refuses in one line."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.control.records import pair
from tests.support.waiting import wait_for

from tameflare.control.store.traffic import Delivery, TrafficStore
from tameflare.control.store.traffic_sqlite import SqliteTables
from tameflare.control.store.traffic_write import Rows
from tameflare.process import LISTEN_FD


def environment(directory: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "SETTINGS_"))}
    return kept | {"TF_DATA_DIR": str(directory), "TF_LOG_FORMAT": "json"} | more


@contextmanager
def started(directory: Path, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process with an inherited socket, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        process = subprocess.Popen(
            [sys.executable, "-m", "tameflare.control"],
            env=environment(directory, **more) | {LISTEN_FD: str(listener.fileno())},
            pass_fds=(listener.fileno(),),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            assert httpx.get(f"{url}/api/health", trust_env=False, timeout=30).status_code == 200
            yield process, url
        finally:
            process.kill()
            process.communicate()


def test_it_starts_says_the_set_up_code_and_stops_when_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with started(data) as (process, _):
        code = (data / "server" / "setup-code").read_text().strip()
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"Set-up code: {code}" in out
    assert "Secrets stored without encryption" in log
    assert code not in log
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*")}
    assert set(modes.values()) <= {0o700, 0o600}, modes


def test_a_long_poll_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with started(data, TF_LOCAL_PROXY="1", TF_STOP_TIMEOUT="60") as (process, url):
        headers = {"Authorization": f"Bearer {(data / 'proxy' / 'link.token').read_text().strip()}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
            cursor = client.get("/api/link/feed").json()["cursor"]
            request = client.build_request("GET", "/api/link/feed", params={"cursor": cursor, "wait": 25})
            with socket.create_connection(("127.0.0.1", request.url.port or 0)) as raw:
                raw.sendall(
                    f"GET {request.url.raw_path.decode()} HTTP/1.1\r\nHost: localhost\r\n"
                    f"Authorization: {headers['Authorization']}\r\n\r\n".encode()
                )
                assert httpx.get(f"{url}/api/health", trust_env=False).status_code == 200
                process.send_signal(signal.SIGINT)
                out, _ = process.communicate(timeout=20)
                assert raw.recv(15) == b"HTTP/1.1 200 OK"
    assert process.returncode == 0
    assert "Set-up code" not in out


def test_the_local_proxy_keeps_its_token_and_gets_a_new_one_if_it_is_not_ours(tmp_path: Path) -> None:
    data = tmp_path / "data"
    path = data / "proxy" / "link.token"
    tokens = []
    for damage in (None, None, "gwln_unknown\n", ""):
        if damage is not None:
            path.write_text(damage)
        with started(data, TF_LOCAL_PROXY="1") as (_, url):
            token = path.read_text().strip()
            headers = {"Authorization": f"Bearer {token}"}
            assert httpx.get(f"{url}/api/link/feed", headers=headers, trust_env=False).status_code == 200
            tokens.append(token)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3


def test_it_drops_records_that_are_over_their_time(tmp_path: Path) -> None:
    server = tmp_path / "data" / "server"
    server.mkdir(mode=0o700, parents=True)
    server.parent.chmod(0o700)
    long_ago = datetime(2020, 1, 15, tzinfo=UTC).timestamp()
    with closing(TrafficStore.open(server / "traffic.db", lambda: long_ago)) as store:
        assert asyncio.run(store.store(Delivery("prx", "e1", 0, 2, Rows(pair("old")))))
    with started(server.parent, AUDIT_RETENTION_DAYS="1") as (process, _):
        wait_for(lambda: not months(server / "traffic.db"), "the month to be dropped")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


def months(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as raw:
        return SqliteTables(raw).months()


def refusal(directory: Path, **more: str) -> str:
    """The one line that a process says that cannot start."""
    done = subprocess.run(
        [sys.executable, "-m", "tameflare.control"],
        env=environment(directory, **more),
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("tf: ")
    return lines[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TF_PORT", "http"),
        ("SETTINGS_ENCRYPTION_KEY", "secret-but-short"),
        ("TF_HOST", "0.0.0.0"),
        ("TF_REGISTRATION", "maybe"),
        ("AUDIT_RETENTION_DAYS", "0"),
        ("SIGNING_KEY_PRIVATE", "secret-but-short"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_told_if_secret(tmp_path: Path, name: str, value: str) -> None:
    line = refusal(tmp_path / "data", **{name: value})
    assert name in line
    assert "secret-but-short" not in line


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refusal(tmp_path / "data", TF_PORT=port)
    assert f"port {port} on 127.0.0.1 is in use" in line


def test_a_data_directory_that_others_may_read_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    assert "chmod 700" in refusal(data, TF_PORT="0")


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "TF_DATA_DIR" in refusal(tmp_path / "file" / "data", TF_PORT="0")


def test_two_servers_do_not_share_a_database(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with started(data):
        assert "another server" in refusal(data, TF_PORT="0")


def test_a_damaged_database_is_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "data" / "server").mkdir(mode=0o700, parents=True)
    (tmp_path / "data").chmod(0o700)
    database = tmp_path / "data" / "server" / "tameflare.db"
    database.write_bytes(b"this is not a database" * 100)
    database.chmod(0o600)
    assert "not a database" in refusal(tmp_path / "data", TF_PORT="0")
