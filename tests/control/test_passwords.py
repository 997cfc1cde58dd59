"""Hashing passwords: two threads, a short queue, no cutting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tameflare.control.services.faults import Throttled
from tameflare.control.services.passwords import Hasher, check
from tameflare.core.errors import InvalidValue


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    made = Hasher()
    yield made
    made.close()


def test_a_password_matches_its_own_hash_only(hasher: Hasher) -> None:
    async def tried() -> list[bool]:
        stored = await hasher.hash("correct horse")
        assert stored.startswith("$2b$10$")
        others = ("correct horse", "correct hors", "correct horse\0", "x" * 100)
        return [await hasher.matches(each, stored) for each in others] + [await hasher.matches("nobody", None)]

    assert asyncio.run(tried()) == [True, False, False, False, False]


def test_a_crowd_is_turned_away_and_later_served(hasher: Hasher) -> None:
    async def crowd() -> list[object]:
        everybody = [hasher.matches("x", None) for _ in range(20)]
        results = await asyncio.gather(*everybody, return_exceptions=True)
        assert await hasher.matches("x", None) is False
        return list(results)

    results = asyncio.run(crowd())
    assert results.count(False) == 16
    assert sum(isinstance(result, Throttled) for result in results) == 4


@pytest.mark.parametrize("password", ["x" * 11, "x" * 73, "ü" * 37, "enough letters\0"])
def test_what_bcrypt_would_cut_or_guessers_would_find_is_refused(password: str) -> None:
    with pytest.raises(InvalidValue):
        check(password)


@pytest.mark.parametrize("password", ["x" * 12, "ü" * 36])
def test_the_limits_themselves_are_fine(password: str) -> None:
    check(password)
