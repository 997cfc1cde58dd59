"""`tf doctor` on machines, in shells and in projects where a mistake was made: it names the mistake and its mend."""

from __future__ import annotations

import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.cli.conftest import Ended
from tests.cli.doubles import LINE, FakeProxy

from tameflare.cli import project
from tameflare.cli.checks import CHECKS, machine
from tameflare.cli.checks.around import Around
from tameflare.cli.checks.findings import Level
from tameflare.cli.project import Project
from tameflare.control.store.migrate import open_database
from tameflare.core.secret import Secret
from tameflare.settings import Settings

Tf = Callable[..., Ended]
Found = dict[str, list[dict[str, str]]]


@pytest.fixture
def doctor(tf: Tf, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Found]:
    """What `tf doctor` finds amiss, by check."""
    monkeypatch.setenv("TF_DATA_DIR", str(home / ".tameflare"))

    def look(*options: str) -> Found:
        found: Found = {}
        for finding in json.loads(tf("doctor", "--json", *options).out)["findings"]:
            if finding["level"] != "ok":
                found.setdefault(finding["check"], []).append(finding)
        return found

    return look


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def export(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return export


def says(found: list[dict[str, str]], finding: str, mend: str = "") -> bool:
    return any(finding in each["finding"] and mend in each["help"] for each in found)


class Pages:
    """A program on a port of this machine that answers with fixed pages."""

    def __init__(self, pages: dict[str, bytes], date: datetime | None = None) -> None:
        outer = self
        self.pages, self.date = pages, date

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = outer.pages.get(self.path)
                self.send_response_only(200 if body is not None else 404)
                self.send_header("Date", format_datetime(outer.date or datetime.now(UTC), usegmt=True))
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                """Quiet: the tests read stderr."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def serving(pages: Pages) -> Iterator[str]:
    thread = threading.Thread(target=pages.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield pages.url
    finally:
        pages.server.shutdown()
        pages.server.server_close()
        thread.join()


def healthy(**more: Any) -> bytes:
    configuration = {"version": 3, "age_seconds": 1}
    return json.dumps({"status": "ok", "configuration": configuration, "problems": []} | more).encode()


# --- nothing is set up ------------------------------------------------------------------------------------------------


def test_a_newcomer_is_told_what_to_do_first(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(TF_PORT="1", TF_PROXY_PORT="1")
    found = doctor()
    assert says(found["server"], "cannot reach the server at `http://127.0.0.1:1`", "start it with `tf up`")
    assert says(found["proxy"], "cannot reach the proxy at `http://127.0.0.1:1`", "start it with `tf up`")
    assert says(found["project"], "no gateway is set up here", "run `tf init`")
    assert says(found["log-in"], "not logged in", "run `tf login`")
    assert says(found["encryption"], "no SETTINGS_ENCRYPTION_KEY", "openssl rand -hex 32")


def test_red_is_exit_code_1_and_stands_last(tf: Tf, shell: Callable[..., None]) -> None:
    shell(TF_PORT="1", TF_PROXY_PORT="1")
    ended = tf("doctor")
    assert ended.code == 1
    last = ended.out.splitlines()[-2:]
    assert last[0].startswith("red      proxy: cannot reach the proxy")
    assert last[1].strip() == "start it with `tf up`, or set GATEWAY_URL"


def test_a_port_that_another_program_has(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    with serving(Pages({"/": b"hello"})) as url, socket.create_server(("127.0.0.1", 0)) as mute:
        shell(TF_SERVER_URL=url, GATEWAY_URL=f"http://127.0.0.1:{mute.getsockname()[1]}")
        threading.Thread(target=_hang_up, args=(mute,), daemon=True).start()
        found = doctor()
    assert says(found["server"], f"another program answers at `{url}`, not TameFlare's server", "TF_PORT")
    assert says(found["proxy"], "not TameFlare's proxy", "TF_PROXY_PORT")


def _hang_up(listener: socket.socket) -> None:
    """Take each connection and end it, until the listener is closed."""
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


# --- the machine ------------------------------------------------------------------------------------------------------


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


# --- the shell --------------------------------------------------------------------------------------------------------


def test_a_no_proxy_with_a_star(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(NO_PROXY="localhost, *")
    assert says(doctor()["environment"], "NO_PROXY is `*`", "`tf run` clears it")
    shell(NO_PROXY="intranet.example")
    assert says(doctor()["environment"], "NO_PROXY is set", "`--no-proxy`")


def test_a_company_proxy_that_the_proxy_is_not_told_of(
    doctor: Callable[..., Found], shell: Callable[..., None]
) -> None:
    shell(HTTPS_PROXY="http://proxy.company.example:3128")
    assert says(
        doctor()["environment"], "HTTPS_PROXY is set, and TameFlare's proxy does not use it", "TF_UPSTREAM_PROXY"
    )
    shell(TF_UPSTREAM_PROXY="http://proxy.company.example:3128")
    assert "environment" not in doctor()


def test_a_shell_under_tf_run(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(HTTPS_PROXY="http://default:tfr_abc.def@127.0.0.1:8443")
    assert says(doctor()["environment"], "this shell runs under `tf run` itself")


def test_a_certificate_file_that_is_not_there(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(REQUESTS_CA_BUNDLE="/nowhere/company.pem")
    assert says(doctor()["environment"], "REQUESTS_CA_BUNDLE names `/nowhere/company.pem`, which cannot be read")


def test_certificates_that_are_not_checked(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(NODE_TLS_REJECT_UNAUTHORIZED="0", GIT_SSL_NO_VERIFY="1", PYTHONHTTPSVERIFY="1")
    told = [each["finding"].split()[0] for each in doctor()["environment"]]
    assert told == ["NODE_TLS_REJECT_UNAUTHORIZED", "GIT_SSL_NO_VERIFY"]


@pytest.mark.parametrize(
    ("says_", "status", "words"),
    [("v16.20.2", 0, "`node` is v16.20.2"), ("", 9, "`node` does not start with NODE_OPTIONS `--nonsense`")],
)
def test_a_node_that_cannot_be_helped(
    doctor: Callable[..., Found], shell: Callable[..., None], tmp_path: Path, says_: str, status: int, words: str
) -> None:
    program = tmp_path / "bin" / "node"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho {says_}\nexit {status}\n")
    program.chmod(0o755)
    shell(PATH=f"{program.parent}:{os.environ['PATH']}", NODE_OPTIONS="--nonsense")
    assert says(doctor()["node"], words)


@pytest.mark.parametrize(
    ("file", "line", "program"),
    [
        (".gitconfig", "[http]\n\tproxy = http://proxy.example:8080\n", "git"),
        (".npmrc", "https-proxy=http://proxy.example:8080\n", "npm"),
        (".curlrc", "proxy = proxy.example:8080\n", "curl"),
        (".config/pip/pip.conf", "[global]\nproxy = http://proxy.example\n", "pip"),
        (".wgetrc", "https_proxy = http://proxy.example\n", "wget"),
    ],
)
def test_a_proxy_in_a_programs_own_file(
    doctor: Callable[..., Found], home: Path, file: str, line: str, program: str
) -> None:
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).write_text(line)
    assert says(doctor()["files"], f"names a proxy of its own, so {program} goes past TameFlare's")


# --- a project whose proxy can be made to be anything -----------------------------------------------------------------


@pytest.fixture
def set_up(proxy: FakeProxy, home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeProxy:
    """A project with a proxy that is well."""
    here = Project(None, "http://127.0.0.1:1", proxy.url, "my-agent", Secret("gwtk_x"))
    project.save(home / "my-agent" / ".tf", here, "")
    proxy.counts = json.loads(healthy())
    return proxy


def test_a_token_that_the_proxy_refuses(set_up: FakeProxy, doctor: Callable[..., Found]) -> None:
    set_up.refusals = [(407, {"code": "proxy_auth_required", "message": "x"})]
    assert says(doctor()["gateway"], "the proxy does not accept this gateway's token", "tf init")


def test_a_token_of_another_gateway(set_up: FakeProxy, doctor: Callable[..., Found]) -> None:
    set_up.line = json.dumps(LINE | {"gateway": "another"}).encode() + b"\n"
    assert says(doctor()["gateway"], "the token in use is of gateway `another`, not of `my-agent`", "TF_GATEWAY_TOKEN")


def test_a_proxy_that_has_lost_its_server(set_up: FakeProxy, doctor: Callable[..., Found]) -> None:
    set_up.counts = json.loads(healthy(configuration={"version": 1, "age_seconds": 5000}))
    assert says(doctor()["configuration"], "the proxy has not heard for 5000 s from the server", "TF_LINK_TOKEN")
    set_up.counts = json.loads(healthy(configuration={"version": 1, "age_seconds": None}))
    assert says(doctor()["configuration"], "the proxy never heard from the server")


def test_what_the_proxy_itself_complains_of(set_up: FakeProxy, doctor: Callable[..., Found]) -> None:
    set_up.counts = json.loads(healthy(status="degraded", problems=["records cannot be delivered"]))
    found = doctor()["proxy"]
    assert says(found, "records cannot be delivered")
    assert says(found, "says degraded", "`tf status` says why")
    assert {each["level"] for each in doctor("--production")["proxy"]} == {"red"}


@pytest.mark.parametrize(
    ("level", "passes"), [("monitor", "everything passes"), ("soft_enforce", "what no rule names")]
)
def test_a_gateway_that_only_watches(set_up: FakeProxy, doctor: Callable[..., Found], level: str, passes: str) -> None:
    set_up.counts = json.loads(healthy(levels={"my-agent": level}))
    assert says(doctor()["level"], f"gateway `my-agent` is at level {level}: {passes}", "full_enforce")


def test_a_local_kill_switch(set_up: FakeProxy, doctor: Callable[..., Found]) -> None:
    set_up.counts = json.loads(healthy(local_kill_switches=["all"]))
    assert says(doctor()["kill switch"], "a local kill switch is on for all", "off --local --scope all")


def test_a_key_without_its_connector(
    set_up: FakeProxy, doctor: Callable[..., Found], shell: Callable[..., None]
) -> None:
    shell(STRIPE_API_KEY="sk_live_canary", OPENAI_API_KEY="sk-tameflare_azure_placeholder")
    found = doctor()["keys"]
    assert says(found, "STRIPE_API_KEY is set, but gateway `my-agent` has no connector of type `stripe`", "add stripe")
    assert says(found, "OPENAI_API_KEY holds the placeholder of connector `azure`", "--name azure")
    assert "canary" not in json.dumps(found)


def test_clocks_that_differ(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    with serving(Pages({"/api/health": healthy()}, datetime.now(UTC) - timedelta(hours=1))) as url:
        shell(TF_SERVER_URL=url)
        found = doctor()["clock"]
    assert says(found, "this clock differs from the server's by 36", "set both clocks")


def authority(days: int) -> bytes:
    """A certificate that ends in so many days."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ours")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days, minutes=5))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (authority(-3), "the proxy's authority has expired 3 days ago"),
        (authority(7), "the proxy's authority is valid for 7 days more"),
        (b"<html>", "is no certificate"),
    ],
)
def test_an_authority_at_its_end(
    doctor: Callable[..., Found], shell: Callable[..., None], pem: bytes, words: str
) -> None:
    with serving(Pages({"/health": healthy(), "/ca.pem": pem})) as url:
        shell(GATEWAY_URL=url)
        assert says(doctor()["authority"], words)


def test_a_kept_certificate_of_another_authority(doctor: Callable[..., Found], home: Path) -> None:
    with serving(Pages({"/health": healthy(), "/ca.pem": authority(300)})) as url:
        here = Project(None, "http://127.0.0.1:1", url, "my-agent", Secret("gwtk_x"))
        project.save(home / "my-agent" / ".tf", here, authority(300).decode())
        found = doctor()["authority"]
    assert says(found, "is of another authority than the proxy's", "tf init --new-token")


def test_a_project_that_others_can_read(doctor: Callable[..., Found], set_up: FakeProxy, home: Path) -> None:
    (home / "my-agent" / ".tf").chmod(0o755)
    assert says(doctor()["project"], "is not private to you", "chmod 700")
    (home / "my-agent" / ".tf").chmod(0o700)
    (home / "my-agent" / ".tf" / "config.yaml").chmod(0o644)
    assert says(doctor()["project"], "config.yaml` is open to others", "chmod 600")


def test_there_are_more_than_twenty_checks() -> None:
    assert len(CHECKS) > 20
