"""The installation's certificate authority: its files, and leaves that strict clients take."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from tests.support.handshakes import python313, shake, strict_client, tls_server

from tameflare.core.errors import InvalidValue
from tameflare.process import StartFault
from tameflare.proxy.ca import CertificateAuthority

HOSTS = ("api.github.com", "xn--bcher-kva.example", "a_b.example.com", "127.0.0.1", "::1", "x" * 60 + ".example.com")


class Clock:
    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


def opened(directory: Path) -> CertificateAuthority:
    return CertificateAuthority.open(directory, lambda: datetime.now(UTC))


@pytest.mark.parametrize("host", HOSTS)
def test_a_strict_client_takes_the_leaf(tmp_path: Path, host: str) -> None:
    authority = opened(tmp_path)
    client = strict_client(tmp_path / "ca.pem")
    client.set_alpn_protocols(["h2", "http/1.1"])
    with tls_server(authority.server_context(host)) as port:
        shaken = shake(client, port, host)
    assert (shaken.version, shaken.protocol) == ("TLSv1.3", "http/1.1")


def test_a_client_that_wants_another_host_refuses(tmp_path: Path) -> None:
    context = opened(tmp_path).server_context("api.github.com")
    with tls_server(context) as port, pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake(strict_client(tmp_path / "ca.pem"), port, "api.stripe.com")


def test_a_client_without_the_authority_refuses(tmp_path: Path) -> None:
    context = opened(tmp_path).server_context("api.github.com")
    with tls_server(context) as port, pytest.raises(ssl.SSLCertVerificationError):
        shake(ssl.create_default_context(), port, "api.github.com")


def test_tls_below_1_2_is_refused(tmp_path: Path) -> None:
    context = opened(tmp_path).server_context("api.github.com")
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    client = strict_client(tmp_path / "ca.pem")
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with tls_server(context) as port:
        assert shake(client, port, "api.github.com").version == "TLSv1.2"


CLIENT_313 = """
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
assert context.verify_flags & ssl.VERIFY_X509_STRICT
with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as plain:
    with context.wrap_socket(plain, server_hostname=sys.argv[3]) as tls:
        print(tls.version())
"""


@pytest.mark.skipif(python313() is None, reason="no Python 3.13 on this machine")
@pytest.mark.parametrize("host", ["api.github.com", "127.0.0.1"])
def test_python_3_13_takes_the_leaf(tmp_path: Path, host: str) -> None:
    with tls_server(opened(tmp_path).server_context(host)) as port:
        command = [str(python313()), "-c", CLIENT_313, str(tmp_path / "ca.pem"), str(port), host]
        done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("TLSv1.3", "")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_openssl_verifies_strictly(tmp_path: Path) -> None:
    with tls_server(opened(tmp_path).server_context("api.github.com")) as port:
        leaf = shake(strict_client(tmp_path / "ca.pem"), port, "api.github.com").certificate
    (tmp_path / "leaf.pem").write_text(ssl.DER_cert_to_PEM_cert(leaf))
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "api.github.com"]
    command += ["-CAfile", "ca.pem", "leaf.pem"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == "leaf.pem: OK", done.stderr


def test_a_leaf_lives_days(tmp_path: Path) -> None:
    with tls_server(opened(tmp_path).server_context("api.github.com")) as port:
        leaf = x509.load_der_x509_certificate(
            shake(strict_client(tmp_path / "ca.pem"), port, "api.github.com").certificate
        )
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=10)
    assert leaf.not_valid_before_utc <= datetime.now(UTC) - timedelta(hours=23), "clocks of clients may be behind"


def test_a_leaf_is_made_once_per_host_and_renewed_before_it_runs_out(tmp_path: Path) -> None:
    clock = Clock()
    authority = CertificateAuthority.open(tmp_path, clock)
    first = authority.server_context("api.github.com")
    clock.time += timedelta(days=4)
    assert authority.server_context("api.github.com") is first
    assert authority.leaves_made == 1
    clock.time += timedelta(days=1, seconds=1)
    assert authority.server_context("api.github.com") is not first
    assert authority.leaves_made == 2


def test_contexts_are_bounded_and_the_least_used_goes(tmp_path: Path) -> None:
    authority = CertificateAuthority.open(tmp_path, lambda: datetime.now(UTC), contexts_kept=2)
    used = authority.server_context("a.example")
    authority.server_context("b.example")
    assert authority.server_context("a.example") is used
    authority.server_context("c.example")
    assert authority.server_context("a.example") is used
    assert authority.leaves_made == 3
    authority.server_context("b.example")
    assert authority.leaves_made == 4


@pytest.mark.parametrize("host", ["", "a b.example", "*.example.com", "bücher.example", "a:1", "x" * 254])
def test_hosts_that_cannot_be_named_are_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidValue, match="no certificate"):
        opened(tmp_path).server_context(host)


def test_the_authority_stays_the_same(tmp_path: Path) -> None:
    assert opened(tmp_path).certificate_pem == opened(tmp_path).certificate_pem
    assert (tmp_path / "ca.pem").read_bytes() == opened(tmp_path).certificate_pem


def test_files_are_private(tmp_path: Path) -> None:
    opened(tmp_path)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {"ca.key": 0o600, "ca.pem": 0o600}


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "ca.key").chmod(0o640)
    with pytest.raises(StartFault, match=r"may be used by others \(mode 640\); run `chmod 600"):
        opened(tmp_path)
    CertificateAuthority.open(tmp_path, lambda: datetime.now(UTC), allow_wide=True)


def test_a_lost_key_is_a_clear_fault(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(StartFault, match=r"ca\.key` is missing"):
        opened(tmp_path)


def test_a_lost_certificate_is_made_again_from_the_key(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "ca.pem").unlink()
    with tls_server(opened(tmp_path).server_context("api.github.com")) as port:
        shake(strict_client(tmp_path / "ca.pem"), port, "api.github.com")


@pytest.mark.parametrize("name", ["ca.key", "ca.pem"])
def test_damaged_files_are_a_clear_fault(tmp_path: Path, name: str) -> None:
    opened(tmp_path)
    (tmp_path / name).write_bytes(b"rubbish")
    with pytest.raises(StartFault, match="cannot be read as a"):
        opened(tmp_path)


def test_files_of_two_authorities_are_not_mixed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        opened(tmp_path / name)
    (tmp_path / "two" / "ca.pem").replace(tmp_path / "one" / "ca.pem")
    with pytest.raises(StartFault, match="is not the certificate of"):
        opened(tmp_path / "one")


def test_an_authority_that_has_run_out_says_what_to_do(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(StartFault, match=r"has run out; remove ca\.key and ca\.pem"):
        CertificateAuthority.open(tmp_path, lambda: datetime.now(UTC) + timedelta(days=3650))
