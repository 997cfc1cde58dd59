"""The certificate of the TLS listener: where it comes from, what is refused, and how another one comes into force."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from tests.support.handshakes import shake, tls_server
from tests.support.plane import HOST, plane
from tests.support.waiting import wait_for

from tameflare.core.errors import InvalidValue, SettingError
from tameflare.listening_tls import main_listener_speaks_tls, tls_is_set
from tameflare.proxy.ca import LEAF_LIFE, CertificateAuthority
from tameflare.proxy.listener_files import load
from tameflare.proxy.listener_tls import GivenCertificate, OwnCertificate
from tameflare.settings import Settings

NAME = "proxy.example"
NOW = datetime.now(UTC)


class Files:
    """A certificate and its key on disk, as an operator would give them."""

    def __init__(self, directory: Path, authority: trustme.CA) -> None:
        self.certificate, self.key = directory / "listener.pem", directory / "listener.key"
        self.authority = authority
        self.give(authority.issue_cert(NAME, "*.wild.example", "192.0.2.7"))

    def give(self, made: trustme.LeafCert) -> None:
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        self.write_key(made.private_key_pem.bytes())

    def write_key(self, pem: bytes) -> None:
        self.key.write_bytes(pem)
        self.key.chmod(0o600)

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.cert_pem.bytes().decode())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, trustme.CA())


def test_an_operators_certificate_is_shown_and_answers_for_its_names(files: Files) -> None:
    given = GivenCertificate(files.certificate, files.key, lambda: NOW)
    with tls_server(given.context) as port:
        assert shake(files.context(), port, NAME).version == "TLSv1.3"
    assert all(given.names(host) for host in (NAME, "any.wild.example", "192.0.2.7"))
    assert not any(given.names(host) for host in ("wild.example", "a.b.wild.example", "other.example"))
    assert given.problem == ""


def encrypted(files: Files) -> None:
    key = rsa.generate_private_key(65537, 2048)
    files.write_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"phrase")))


def of_another(files: Files) -> None:
    key = rsa.generate_private_key(65537, 2048)
    files.write_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def expired(files: Files) -> None:
    files.give(files.authority.issue_cert(NAME, not_after=NOW - timedelta(days=1)))


def nameless(files: Files) -> None:
    files.give(files.authority.issue_cert(common_name=NAME))


WRONG: dict[str, tuple[Callable[[Files], object], str]] = {
    "no certificate": (lambda files: files.certificate.unlink(), "TF_PROXY_TLS_CERT `.*` cannot be read: No such file"),
    "no key": (lambda files: files.key.unlink(), "TF_PROXY_TLS_KEY `.*` cannot be read: No such file"),
    "certificate of nothing": (lambda files: files.certificate.write_text("hello"), "holds no certificate in PEM"),
    "key of nothing": (lambda files: files.write_key(b"hello"), "holds no key in PEM"),
    "encrypted key": (encrypted, "is encrypted; give it without a passphrase"),
    "another's key": (of_another, "is not the key of the first certificate in"),
    "open to others": (lambda files: files.key.chmod(0o644), r"may be used by others \(mode 644\); run `chmod 600"),
    "expired": (expired, "ran out at .* UTC; renew it"),
    "without names": (nameless, "names no host"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_do_is_refused_by_one_clear_line(files: Files, wrong: str) -> None:
    spoil, said = WRONG[wrong]
    spoil(files)
    with pytest.raises(SettingError, match=said):
        load(files.certificate, files.key, NOW, allow_wide=False)


def test_a_certificate_that_holds_only_from_tomorrow(files: Files) -> None:
    with pytest.raises(SettingError, match="holds only from"):
        load(files.certificate, files.key, datetime(1999, 1, 1, tzinfo=UTC), allow_wide=False)


@pytest.mark.parametrize(("mode", "owner", "wide", "taken"), [
    (0o640, 0, False, True),
    (0o660, 0, False, False),
    (0o640, 12345, False, False),
    (0o644, 0, True, True),
])  # fmt: skip
def test_who_else_may_read_the_key(files: Files, mode: int, owner: int, wide: bool, taken: bool) -> None:
    """A group may read a key of root's, as Debian's ssl-cert does."""
    if os.geteuid() != 0:
        pytest.skip("files of another owner need root")
    os.chown(files.key, owner, 0)
    files.key.chmod(mode)
    if taken:
        assert load(files.certificate, files.key, NOW, allow_wide=wide).hosts
    else:
        with pytest.raises(SettingError, match="may be used by others"):
            load(files.certificate, files.key, NOW, allow_wide=wide)


def test_files_that_change_are_read_again_and_bad_ones_leave_the_former(files: Files) -> None:
    given = GivenCertificate(files.certificate, files.key, lambda: NOW)
    first = given.context
    given.look()
    assert given.context is first, "nothing changed"
    files.certificate.write_bytes(files.authority.issue_cert("new.example").cert_chain_pems[0].bytes())
    given.look()
    assert given.context is first
    assert "is not the key of the first certificate" in given.problem
    files.give(files.authority.issue_cert("new.example"))
    given.look()
    assert (given.names("new.example"), given.names(NAME), given.problem) == (True, False, "")
    with tls_server(given.context) as port:
        assert shake(files.context(), port, "new.example").certificate


def test_a_certificate_that_nobody_renews_is_a_problem_before_it_runs_out(files: Files) -> None:
    now = NOW
    files.give(files.authority.issue_cert(NAME, not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=9)))
    given = GivenCertificate(files.certificate, files.key, lambda: now)
    assert given.problem == ""
    now = NOW + timedelta(days=8, hours=1)
    assert "was not renewed" in given.problem
    now = NOW + timedelta(days=9)
    assert "has run out" in given.problem


def test_our_own_is_issued_anew_in_time_and_when_the_clock_is_set_back(tmp_path: Path) -> None:
    now = NOW
    authority = CertificateAuthority.open(tmp_path, lambda: now)
    own = OwnCertificate(authority, (NAME,), lambda: now)
    first = own.context
    now = NOW + LEAF_LIFE / 2
    own.look()
    assert own.context is first
    for moment in (NOW + LEAF_LIFE, NOW):
        now, before = moment, own.context
        own.look()
        assert own.context is not before
    assert own.names(NAME)
    assert not own.names("other.example")


def test_a_name_that_no_certificate_can_bear(tmp_path: Path) -> None:
    authority = CertificateAuthority.open(tmp_path, lambda: NOW)
    with pytest.raises(InvalidValue, match="no certificate can be made for host"):
        OwnCertificate(authority, ("a" * 300,), lambda: NOW)


# --- the settings

PAIR = {"TF_PROXY_TLS_CERT": "/a", "TF_PROXY_TLS_KEY": "/b"}
OWN = {"TF_PROXY_TLS_NAMES": NAME}
PORT = {"TF_PROXY_TLS_PORT": "9443"}


@pytest.mark.parametrize(("environment", "main"), [({}, False), (PAIR, True), (OWN, True), (OWN | PORT, False)])
def test_which_listener_speaks_tls(environment: dict[str, str], main: bool) -> None:
    assert main_listener_speaks_tls(Settings(environment)) is main
    assert tls_is_set(Settings(environment)) is bool(environment)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TF_PROXY_TLS_CERT": "/a"}, "TF_PROXY_TLS_CERT is set and TF_PROXY_TLS_KEY is not"),
        ({"TF_PROXY_TLS_KEY": "/a"}, "TF_PROXY_TLS_KEY is set and TF_PROXY_TLS_CERT is not"),
        (PAIR | OWN, "are both set"),
        (PORT, "TF_PROXY_TLS_PORT is set, and no certificate is"),
        ({"TF_PROXY_TLS_NAMES": "https://proxy.example"}, "names or addresses without port"),
        ({"TF_PROXY_TLS_NAMES": "proxy.example:9443"}, "names or addresses without port"),
        ({"TF_PROXY_TLS_NAMES": "*.example"}, "names or addresses without port"),
    ],
)
def test_settings_that_contradict(environment: dict[str, str], said: str) -> None:
    def start() -> None:
        settings.check()
        tls_is_set(settings)

    settings = Settings(environment)
    with pytest.raises(SettingError, match=said):
        start()


# --- under a running proxy


def test_a_running_proxy_takes_a_renewed_certificate(tmp_path: Path) -> None:
    with plane(tmp_path) as made:
        files = Files(tmp_path, made.authority)
        made.simple()
        made.start(
            TF_PROXY_TLS_CERT=str(files.certificate), TF_PROXY_TLS_KEY=str(files.key),
            TF_PROXY_TLS_PORT="0", TF_PROXY_TLS_HOST="127.0.0.1",
        )  # fmt: skip
        before = made.secured(NAME, files.context())
        files.give(made.authority.issue_cert("new.example"))

        def renewed() -> bool:
            try:
                return made.secured("new.example", files.context()).get("/health", host="new.example").status == 200
            except ssl.SSLCertVerificationError:
                return False

        wait_for(renewed, "the new certificate is shown")
        assert before.get("/health", host="localhost").status == 200, "who was there stays"
        files.write_key(b"broken")
        wait_for(lambda: "holds no key" in str(made.health()["problems"]), "health says so")
        assert made.secured("new.example", files.context()).get("/health", host="new.example").status == 200
        assert HOST not in made.log
