"""`tf doctor --escape` on a real installation: what it finds open without isolation, and closed with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.isolate.conftest import Isolated
from tests.support.doubles import Vendors
from tests.support.product import GATEWAY, Connector

from tameflare.cli.isolating import available
from tameflare.demo.privileges import is_all_seeing, unprivileged
from tameflare.demo.product import Product, tf
from tameflare.isolate.probes.base import Promise
from tameflare.isolate.probes.table import PROBES

SECONDS = 60
SURELY_OPEN = frozenset(
    {
        "tcp-ipv4",
        "udp",
        "quic",
        "no-proxy",
        "cleared-environment",
        "abstract-socket",
        "socket-in-tmp",
        "fifo",
        "fifo-here",
    }
    | {"socket-in-home", "socket-here", "socket-renamed", "socket-later", "inherited-files", "other-terminals"}
    | {"our-end", "other-process", "other-end", "process-list", "process-group", "survivor"}
    | {"project-folder", "log-in", "data-directory", "records", "by-processes", "own-folders"}
    | {
        "user-keys",
        "set-user-id",
        "server",
        "act-as-user",
        "other-agent",
        "kill-switch",
        "startup-files",
        "project-hooks",
        "shared-memory",
    }
)
"""What a run without isolation leaves open on any Linux: here the doctor's own targets must have been reached."""

Verdicts = dict[str, dict[str, Any]]


WITHOUT_PRODUCT = frozenset(
    {"tcp-ipv4", "abstract-socket", "socket-in-home", "other-process", "other-end", "survivor", "set-user-id"}
)
"""What is there to be closed before a proxy that only knows runs; `.tf` on top."""


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


class Doctor:
    """An installation whose owner is logged in, with everything that is to be hidden below his home."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.secrets = ["canary-of-the-user", product.personal_token, product.gateway_token]
        self.secrets += [(product.data / "proxy" / "link.token").read_text().strip()]
        self.secrets += (product.data / "proxy" / "ca.key").read_text().splitlines()[1:-1]

    def call(self, *options: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, *tf(), "doctor", "--escape", "--offline", *options],
            env={**self.product.environment(), "TF_DATA_DIR": str(self.product.data)},
            cwd=self.product.project,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def verdicts(self, done: subprocess.CompletedProcess[str]) -> Verdicts:
        """By probe; nothing secret stands in the answer, and nothing of the doctor's stays behind."""
        assert done.stdout.startswith("{"), done.stderr
        said = done.stdout + done.stderr
        assert [secret for secret in self.secrets if secret in said] == []
        for place in (self.product.home, self.product.project):
            assert list(place.rglob("*tf-escape*")) == []
        return {row["probe"]: row for row in json.loads(done.stdout)["probes"]}


@pytest.fixture(scope="module")
def doctor(vendors: Vendors) -> Iterator[Doctor]:
    with tempfile.TemporaryDirectory(prefix="tf-esc-") as name:
        product = Product(Path(name), vendors.server.pins, vendors.certificates.authority, {"TF_LOG_LEVEL": "warning"})
        product.data = product.home / ".tameflare"
        with product:
            product.register()
            connectors = (Connector("stripe", vendors.keys.stripe, (("stripe.*", "allow"),)),)
            product.use_gateway(GATEWAY, product.add_gateway(GATEWAY, connectors))
            product.wait_for_configuration()
            log_in(product)
            (product.home / ".netrc").write_text("machine example.com password canary-of-the-user")
            yield Doctor(product)


def log_in(product: Product) -> None:
    place = product.home / ".config" / "tameflare" / "login.json"
    place.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    login = {"server": product.server, "token": product.personal_token, "email": "owner@example.com"}
    place.write_text(json.dumps(login))
    place.chmod(0o600)


def open_or_wrong(found: Verdicts, names: frozenset[str]) -> dict[str, str]:
    return {name: f"{found[name]['verdict']}: {found[name]['finding']}" for name in sorted(names)}


@pytest.mark.skipif(is_all_seeing(), reason="root without setpriv sees everything")
def test_without_isolation_the_targets_are_reached(doctor: Doctor) -> None:
    with holder_of_another_key():
        done = doctor.call("--no-isolate", "--json", before=unprivileged())
    found = doctor.verdicts(done)
    assert found.keys() == {probe.name for probe in PROBES}
    told = open_or_wrong(found, SURELY_OPEN)
    assert {name: line for name, line in told.items() if not line.startswith("open")} == {}
    for probe in PROBES:
        row = found[probe.name]
        assert row["verdict"] != "failed", row
        assert not row["wrong"], row
        if probe.promise in {Promise.ALWAYS, Promise.UNPRIVILEGED}:
            assert row["verdict"] == "closed", row
        if probe.promise is Promise.WITHIN:
            assert row["verdict"] == "not applicable", row
    assert done.returncode == 0


@contextmanager
def holder_of_another_key() -> Iterator[None]:
    """A program of the machine that has a master key in its environment and nothing to do with ours."""
    words = [*unprivileged(), "cat"]
    env = {"PATH": os.environ["PATH"], "SETTINGS_ENCRYPTION_KEY": "c0ffee00" * 8}
    with subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(b"\n")
        program.stdin.flush()
        assert program.stdout.read(1) == b"\n"  # it runs as what it is now
        try:
            yield
        finally:
            program.stdin.close()


def test_with_isolation_everything_is_closed_that_should_be(doctor: Doctor, isolation: None) -> None:
    done = doctor.call("--json")  # isolation is what is tried where it can be had
    found = doctor.verdicts(done)
    assert json.loads(done.stdout)["isolated"] is True
    assert [row for row in found.values() if row["wrong"]] == []
    promised = {probe.name: probe.promise is not Promise.NEVER for probe in PROBES}
    told = open_or_wrong(found, SURELY_OPEN)
    assert {name: line for name, line in told.items() if not line.startswith("closed")}.keys() == {
        name for name in SURELY_OPEN if not promised[name]
    }
    assert {row["verdict"] for name, row in found.items() if promised[name]} <= {"closed", "not applicable"}
    by_design = {row["verdict"] for name, row in found.items() if not promised[name]}
    assert by_design <= {"open by design", "closed", "not applicable"}
    assert done.returncode == 0


SECOND_MOUNT = """
mkdir -p second && mount --bind "$HOME/.tameflare" second && "$@"
code=$?
umount second && rmdir second
exit $code
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.skipif(not can_mount(), reason="this root cannot mount")
def test_a_second_mount_of_a_secret_is_covered_too(doctor: Doctor, isolation: None) -> None:
    done = doctor.call("--isolate", "--json", before=("unshare", "--mount", "sh", "-c", SECOND_MOUNT, "sh"))
    found = doctor.verdicts(done)["other-mounts"]
    tried = [way["way"] for way in found["ways"]]
    assert str(doctor.product.project / "second" / "proxy" / "ca.key") in tried
    assert found["verdict"] == "closed", found


def test_nothing_is_open_for_root_nor_for_an_ordinary_user(isolated: Isolated) -> None:
    words = [*isolated.words()[:-1], "doctor", "--escape", "--offline", "--isolate", "--json"]
    done = subprocess.run(
        words, env=isolated.environment(), cwd=isolated.project, capture_output=True, text=True, timeout=SECONDS
    )
    found = {row["probe"]: row for row in json.loads(done.stdout)["probes"]}
    assert [row for row in found.values() if row["wrong"]] == []
    assert {found[name]["verdict"] for name in (*WITHOUT_PRODUCT, "project-folder", "other-agent")} == {"closed"}
    assert done.returncode == 0


def test_a_doctor_without_a_project_says_what_is_missing(doctor: Doctor) -> None:
    env = {**doctor.product.environment(), "HOME": str(doctor.product.logs)}
    words = [*tf(), "doctor", "--escape", "--no-isolate"]
    done = subprocess.run(words, env=env, cwd=doctor.product.logs, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode != 0
    assert "tf init" in done.stderr


def test_a_run_that_cannot_start_is_told_in_its_own_words(doctor: Doctor) -> None:
    env = {**doctor.product.environment(), "GATEWAY_URL": "http://127.0.0.1:1", "TF_GATEWAY_TOKEN": "gwtk_x"}
    words = [*tf(), "doctor", "--escape", "--no-isolate"]
    done = subprocess.run(words, env=env, cwd=doctor.product.project, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 1
    assert "cannot reach the proxy at `http://127.0.0.1:1`" in done.stderr


@pytest.fixture
def isolation() -> None:
    fault = available()
    if fault is not None:
        pytest.skip(f"no isolation here: {fault}")


def test_the_doctor_leaves_no_program_behind(doctor: Doctor) -> None:
    lines = [Path(entry, "cmdline") for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    ours = [path for path in lines if is_survivor(path)]
    assert ours == []


def is_survivor(path: Path) -> bool:
    """Of an earlier doctor: its command line ends with the mark, and it has no parent but process 1."""
    try:
        words = path.read_bytes()
        return words.rstrip(b"\0").endswith(b".survivor") and os.getppid() != int(path.parent.name)
    except OSError:
        return False
