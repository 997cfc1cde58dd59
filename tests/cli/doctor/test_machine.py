"""What `tf doctor` finds amiss on a machine: it names the mistake and its mend."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import which

import pytest
from tests.cli.doctor.looking import Found, says
from tests.cli.doubles import FakeProxy

from tameflare.cli.checks import machine
from tameflare.cli.checks.around import Around
from tameflare.cli.checks.findings import Level
from tameflare.control.store.migrate import open_database
from tameflare.settings import Settings


def test_a_data_directory_that_others_can_read(doctor: Callable[..., Found], home: Path) -> None:
    (home / ".tameflare").mkdir(mode=0o755)
    (home / ".tameflare").chmod(0o755)
    assert says(doctor()["data directory"], "paths are open to others", "chmod -R go=")


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc").exists(), reason="needs a place that nobody can write")
def test_a_data_directory_that_cannot_be_made(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(TF_DATA_DIR="/proc/tameflare" if os.geteuid() else "/dev/null/tameflare")
    assert says(doctor()["data directory"], "cannot be written", "set TF_DATA_DIR")


def test_a_disk_without_room_for_the_records(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(TF_SPOOL_MAX_BYTES=str(1 << 60))
    assert says(doctor()["disk"], "MiB are free at", "AUDIT_RETENTION_DAYS")


def test_too_few_open_files(home: Path) -> None:
    script = "from tameflare.cli.main import run; raise SystemExit(run(['doctor', '--json']))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    )
    found = [each for each in json.loads(done.stdout)["findings"] if each["check"] == "open files"]
    assert says(found, "256 files may be open at a time", "LimitNOFILE")


@pytest.mark.skipif(not which("unshare"), reason="needs unshare of util-linux")
def test_user_namespaces_that_nobody_may_make(home: Path) -> None:
    """In a user namespace of its own, where the limit can be set without touching the machine's."""
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces"
    if subprocess.run(["unshare", "-r", "sh", "-c", forbid], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make user namespaces to begin with")
    told = subprocess.run(
        ["unshare", "-r", "sh", "-c", f'{forbid} && exec "$0" -m tameflare doctor --json', sys.executable],
        capture_output=True,
        text=True,
    )
    found = [each for each in json.loads(told.stdout)["findings"] if each["check"] == "isolation"]
    assert says(found, "`tf run --isolate` does not work here: user.max_user_namespaces is 0", "sysctl")


def test_a_setting_that_cannot_be_used(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(TF_MAX_BODY="much")
    assert says(doctor()["settings"], "TF_MAX_BODY is not", "correct it or unset it")


def test_a_database_of_a_newer_version_and_one_that_is_locked(
    doctor: Callable[..., Found], home: Path, shell: Callable[..., None]
) -> None:
    shell(TF_PORT="1")
    folder = home / ".tameflare" / "server"
    folder.mkdir(parents=True)
    path = folder / "tameflare.db"
    open_database(path).close()
    assert "database" not in doctor()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert says(doctor()["database"], "the database is locked", "")
        connection.execute("ROLLBACK")
        connection.execute("UPDATE alembic_version SET version_num = '9999_future'")
        connection.commit()
    assert says(doctor()["database"], "the database has schema `9999_future`", "upgrade TameFlare")
    path.write_bytes(b"not a database at all, but a page of text" * 100)
    assert says(doctor()["database"], "the file is not a database")


def test_a_host_name_without_address(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(TF_SERVER_URL="https://nowhere.invalid")
    assert says(doctor()["names"], "the host name `nowhere.invalid` has no address")


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (["192.0.2.7"], "`localhost` is 192.0.2.7, not this machine"),
        (["::1", "127.0.0.1"], "`localhost` is ::1 as well as 127.0.0.1"),
        (["127.0.0.1"], ""),
    ],
)
def test_localhost_is_not_what_it_seems(monkeypatch: pytest.MonkeyPatch, addresses: list[str], words: str) -> None:
    """What this machine's resolver answers cannot be changed for one process but in the process itself."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 0)) for address in addresses])
    found = list(machine._own("localhost"))
    assert [finding.finding[: len(words)] for finding in found] == ([words] if words else [])
    assert all("127.0.0.1" in finding.help for finding in found)


def test_a_vendor_in_the_hosts_file(set_up: FakeProxy, tmp_path: Path) -> None:
    table = tmp_path / "hosts"
    table.write_text("127.0.0.1 localhost\n10.1.2.3\tapi.openai.com api # old test\n8.8.8.8 api.stripe.com\nnonsense\n")
    found = list(machine.names(Around(Settings(), os.environ), table))
    assert [finding.level for finding in found] == [Level.RED]
    assert "sends `api.openai.com` to 10.1.2.3" in found[0].finding
