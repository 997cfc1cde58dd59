"""Keys of agents: their form, their checksum."""

from __future__ import annotations

import hashlib

import pytest

from tameflare.core.agent_keys import KeyKind, checksum, is_well_formed, look_up, new_key

RANDOM = hashlib.sha512(b"of a test").digest()
KEY = new_key(KeyKind.LIVE, RANDOM)


def test_a_key_says_its_kind_and_fits_into_what_bcrypt_reads() -> None:
    assert KEY.startswith("tf_live_")
    assert new_key(KeyKind.TEST, RANDOM).startswith("tf_test_")
    assert is_well_formed(KEY)
    assert len(KEY) == 54
    assert look_up(KEY) == KEY[:16]


@pytest.mark.parametrize("place", range(8, 54))
def test_one_wrong_character_anywhere_is_seen(place: int) -> None:
    other = "b" if KEY[place] == "a" else "a"
    assert not is_well_formed(KEY[:place] + other + KEY[place + 1 :])


@pytest.mark.parametrize(
    "text", ["", "tf_live_", KEY[:-1], KEY + "a", KEY.replace("live", "test"), KEY.replace("live", "prod"), f"{KEY}\n"]
)
def test_what_is_no_key(text: str) -> None:
    assert not is_well_formed(text)


def test_keys_of_older_installations_are_keys() -> None:
    assert is_well_formed("aaf_0123456789abcdef0123456789abcdef")
    assert not is_well_formed("aaf_short")
    assert not is_well_formed("aaf_" + "a" * 69)


def test_the_checksum_is_that_of_others() -> None:
    """CRC-32 of "123456789" is cbf43926, by the definition of the algorithm."""
    number = 0
    for digit in checksum("123456789"):
        number = number * 62 + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(digit)
    assert number == 0xCBF43926


def test_too_little_randomness_makes_no_key() -> None:
    with pytest.raises(ValueError, match="random"):
        new_key(KeyKind.LIVE, b"\xff" * 64)
