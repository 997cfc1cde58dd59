"""Signing and sealing: what was sealed opens, and nothing else does."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.config import Configuration, GatewayConfig
from tameflare.link.messages import Bundle, OpenCredential, Snapshot
from tameflare.link.seal import SealBroken, bundle_key, open_snapshot, seal_snapshot

PROXY = "proxy-1"
TOKEN = "gwln_" + "t" * 43
KEY = bundle_key(TOKEN, PROXY)
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CONFIGURATION = Configuration(5, 1000, gateways=(GatewayConfig("g1", "main"),))
BUNDLE = Bundle(0, "", b"", b"k" * 32, (OpenCredential("c1", "sk-canary-4711"),))


def sealed(configuration: Configuration = CONFIGURATION, nonce: bytes = b"n" * 12) -> Snapshot:
    return seal_snapshot(configuration, BUNDLE, SIGNER, KEY, PROXY, nonce)


def test_a_round_trip() -> None:
    configuration, bundle = open_snapshot(sealed(), KEY, PROXY)
    assert configuration == CONFIGURATION
    assert bundle.credentials == BUNDLE.credentials
    assert (bundle.token_key, bundle.version) == (BUNDLE.token_key, 5)


def test_a_credential_is_nowhere_in_the_open() -> None:
    assert b"canary" not in msgspec.json.encode(sealed())
    assert b"canary" not in sealed().configuration


def test_a_snapshot_survives_the_wire() -> None:
    received = msgspec.json.decode(msgspec.json.encode(sealed()), type=Snapshot)
    assert open_snapshot(received, KEY, PROXY)[0] == CONFIGURATION


@pytest.mark.parametrize(
    ("token", "proxy"),
    [(TOKEN + "x", PROXY), (TOKEN, "proxy-2"), ("", PROXY)],
    ids=["another token", "another proxy", "no token"],
)
def test_another_proxy_cannot_open_it(token: str, proxy: str) -> None:
    with pytest.raises(SealBroken, match="cannot be opened"):
        open_snapshot(sealed(), bundle_key(token, proxy), proxy)


def test_the_key_and_the_seal_are_both_bound_to_the_proxy() -> None:
    assert bundle_key(TOKEN, "proxy-2") != KEY
    with pytest.raises(SealBroken, match="cannot be opened"):
        open_snapshot(sealed(), KEY, "proxy-2")


def test_parts_of_two_versions_do_not_go_together() -> None:
    newer = sealed(msgspec.structs.replace(CONFIGURATION, issued_at=CONFIGURATION.issued_at + 1))
    mixed = msgspec.structs.replace(sealed(), configuration=newer.configuration, signature=newer.signature)
    with pytest.raises(SealBroken, match="do not belong together"):
        open_snapshot(mixed, KEY, PROXY)


def test_the_announced_version_is_the_sealed_one() -> None:
    with pytest.raises(SealBroken):
        open_snapshot(msgspec.structs.replace(sealed(), version=6), KEY, PROXY)


def test_a_signature_of_someone_else_is_refused() -> None:
    foreign = seal_snapshot(CONFIGURATION, BUNDLE, Ed25519PrivateKey.generate(), KEY, PROXY, b"n" * 12)
    with pytest.raises(SealBroken, match="signature is wrong"):
        open_snapshot(msgspec.structs.replace(sealed(), signature=foreign.signature), KEY, PROXY)


WHOLE = sealed()
PARTS = st.sampled_from(["configuration", "signature", "bundle"])


@given(PARTS, st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_one_flipped_bit_anywhere_breaks_it(part: str, place: int, bit: int) -> None:
    bytes_of_part = bytearray(getattr(WHOLE, part))
    bytes_of_part[place % len(bytes_of_part)] ^= 1 << bit
    with pytest.raises(SealBroken):
        open_snapshot(msgspec.structs.replace(WHOLE, **{part: bytes(bytes_of_part)}), KEY, PROXY)


@given(PARTS, st.integers(min_value=1, max_value=100))
def test_a_part_cut_short_breaks_it(part: str, missing: int) -> None:
    cut = getattr(WHOLE, part)[:-missing]
    with pytest.raises(SealBroken):
        open_snapshot(msgspec.structs.replace(WHOLE, **{part: cut}), KEY, PROXY)
