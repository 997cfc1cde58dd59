from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12

from tameflare.cli.truststore import truststore
from tameflare.demo.certificates import make_certificates

KEYTOOL = shutil.which("keytool")


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Certificates in PEM."""
    folders = [tmp_path_factory.mktemp("authority") for _ in range(3)]
    return [make_certificates(folder, ["api.example.com"]).authority.read_text() for folder in folders]


def der(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


def loaded(store: bytes) -> list[pkcs12.PKCS12Certificate]:
    """What another implementation reads in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pkcs12.load_pkcs12(store, None).additional_certs


def test_each_certificate_is_in_it_once(authorities: list[str]) -> None:
    found = loaded(truststore("# system\n" + "\n".join([*authorities, authorities[0]])))
    assert sorted(each.certificate.public_bytes(Encoding.DER) for each in found) == sorted(map(der, authorities))
    assert len({each.friendly_name for each in found}) == len(authorities)


def test_it_is_what_another_implementation_writes(authorities: list[str]) -> None:
    certificates = [x509.load_pem_x509_certificate(pem.encode()) for pem in authorities]
    named = [pkcs12.PKCS12Certificate(each, b"tameflare-%d" % at) for at, each in enumerate(certificates)]
    theirs = pkcs12.serialize_java_truststore(named, NoEncryption())
    ours = truststore("".join(authorities))
    assert [each.friendly_name for each in loaded(ours)] == [each.friendly_name for each in loaded(theirs)]
    assert len(ours) <= len(theirs)  # theirs may end with a MAC for an empty password
    for_any_purpose = bytes.fromhex("0604551d2500")  # the object identifier 2.5.29.37.0
    assert ours.count(for_any_purpose) == theirs.count(for_any_purpose) == len(authorities)


def test_what_is_no_certificate_is_left_out(authorities: list[str]) -> None:
    torn = "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n"
    assert truststore(torn + authorities[0]) == truststore(authorities[0])
    assert truststore("") == truststore(torn)


@pytest.mark.skipif(KEYTOOL is None, reason="there is no keytool here")
def test_java_trusts_every_entry(authorities: list[str], tmp_path: Path) -> None:
    store = tmp_path / "store.p12"
    store.write_bytes(truststore("".join(authorities)))
    command = [str(KEYTOOL), "-list", "-keystore", str(store), "-storetype", "PKCS12", "-storepass", ""]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert listed.count("trustedCertEntry") == len(authorities)
