"""Secrets at rest."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tameflare.control.services.vault import Place, Vault, VaultFault, mask
from tameflare.core.secret import Secret

MASTER = Secret("5c" * 32)
PLACE = Place("credentials", "value", "crd_1")


@pytest.fixture
def vault() -> Vault:
    return Vault(MASTER, os.urandom)


def test_what_is_sealed_opens_at_its_place_and_nowhere_else(vault: Vault) -> None:
    sealed = vault.seal("sk_live_1", PLACE)
    assert sealed.startswith(f"enc:v2:{vault.key_id}:")
    assert vault.open(sealed, PLACE) == "sk_live_1"
    for other in (
        Place("meta", "value", "crd_1"),
        Place("credentials", "username", "crd_1"),
        Place("credentials", "value", "crd_2"),
    ):
        with pytest.raises(VaultFault):
            vault.open(sealed, other)


def test_each_sealing_has_a_nonce_of_its_own(vault: Vault) -> None:
    assert vault.seal("same", PLACE) != vault.seal("same", PLACE)


@given(st.text())
def test_any_text_comes_back_with_and_without_a_key(text: str) -> None:
    for vault in (Vault(MASTER, os.urandom), Vault(None, os.urandom)):
        assert vault.open(vault.seal(text, PLACE), PLACE) == text


@pytest.mark.parametrize("text", ["enc:v2:00:AAAA", "enc:AAAA", "plain:x"])
def test_input_that_looks_sealed_is_taken_as_text(text: str) -> None:
    for vault in (Vault(MASTER, os.urandom), Vault(None, os.urandom)):
        stored = vault.seal(text, PLACE)
        assert stored != text
        assert vault.open(stored, PLACE) == text


def test_values_of_older_installations_are_read(vault: Vault) -> None:
    nonce = os.urandom(12)
    old = "enc:" + b64encode(nonce + AESGCM(bytes.fromhex("5c" * 32)).encrypt(nonce, b"old", None)).decode()
    assert vault.open(old, PLACE) == "old"
    assert vault.open("plain text", PLACE) == "plain text"
    assert not vault.is_current(old)
    assert not vault.is_current("plain text")
    assert vault.is_current(vault.seal("new", PLACE))


def test_another_key_or_none_is_a_clear_fault(vault: Vault) -> None:
    sealed = vault.seal("x", PLACE)
    with pytest.raises(VaultFault, match="another SETTINGS_ENCRYPTION_KEY") as wrong:
        Vault(Secret("6d" * 32), os.urandom).open(sealed, PLACE)
    assert "enter the secret again" in wrong.value.help
    with pytest.raises(VaultFault, match="SETTINGS_ENCRYPTION_KEY is not set"):
        Vault(None, os.urandom).open(sealed, PLACE)


@pytest.mark.parametrize("part", [0, 20, -1])
def test_a_changed_value_does_not_open(vault: Vault, part: int) -> None:
    head, _, body = vault.seal("a long enough secret", PLACE).rpartition(":")
    raw = bytearray(b64decode(body))
    raw[part] ^= 1
    for damaged in (f"{head}:{b64encode(raw).decode()}", f"{head}:!!", f"{head}:", f"{head}:AAAA"):
        with pytest.raises(VaultFault, match="cannot be opened"):
            vault.open(damaged, PLACE)


def test_the_key_id_says_nothing_about_the_key(vault: Vault) -> None:
    assert len(vault.key_id) == 8
    assert vault.key_id not in "5c" * 32


def test_a_mask_shows_little() -> None:
    assert mask("sk_live_0123456789abcdefWXYZ") == "sk_…****WXYZ"
    assert mask("short") == mask("x" * 23) == "****"
