"""What `tf doctor` finds amiss between here, the server and the proxy: it names the mistake and its mend."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.cli.doctor.looking import Found, Tf, says
from tests.cli.doctor.pages import Pages, healthy, serving
from tests.cli.doubles import FakeProxy

from tameflare.cli import project
from tameflare.cli.checks import CHECKS
from tameflare.cli.project import Project
from tameflare.core.secret import Secret


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
    ("days", "words"),
    [
        (-3, "the proxy's authority has expired 3 days ago"),
        (7, "the proxy's authority is valid for 7 days more"),
    ],
)
def test_an_authority_at_its_end(
    doctor: Callable[..., Found], shell: Callable[..., None], days: int, words: str
) -> None:
    with serving(Pages({"/health": healthy(), "/ca.pem": authority(days)})) as url:
        shell(GATEWAY_URL=url)
        assert says(doctor()["authority"], words)


def test_an_authority_that_is_none(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    with serving(Pages({"/health": healthy(), "/ca.pem": b"<html>"})) as url:
        shell(GATEWAY_URL=url)
        assert says(doctor()["authority"], "is no certificate")


def test_a_kept_certificate_of_another_authority(doctor: Callable[..., Found], home: Path) -> None:
    with serving(Pages({"/health": healthy(), "/ca.pem": authority(300)})) as url:
        here = Project(None, "http://127.0.0.1:1", url, "my-agent", Secret("gwtk_x"))
        project.save(home / "my-agent" / ".tf", here, authority(300).decode())
        found = doctor()["authority"]
    assert says(found, "is of another authority than the proxy's", "tf init --new-token")


def test_there_are_more_than_twenty_checks() -> None:
    assert len(CHECKS) > 20
