"""Kept inputs, what once failed among them, and some fresh ones; `python -m tests.fuzz` tries many more."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import CORPUS, TARGETS, corpus, failure
from tests.wire import messages

FRESH = 400
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # names that are not ASCII


@pytest.mark.parametrize("name", TARGETS)
def test_kept_inputs(name: str) -> None:
    kept = corpus(name)
    assert len(kept) >= 2
    assert {file: found for file, data in kept.items() if (found := failure(name, data))} == {}


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs(name: str) -> None:
    rng = random.Random(zlib.crc32(name.encode()))
    kept = list(corpus(name).values())
    for _ in range(FRESH):
        data = mutated(rng, kept)
        assert failure(name, data) == "", data[:2000]


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    assert failure(name, data) == ""


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_answer_in_any_piece(data: st.DataObject) -> None:
    """Whole answers whose head is well made or nearly so, with a body of any kind behind it."""
    head = data.draw(messages.response_heads)
    body = data.draw(messages.chunked(b"hello, world") | st.binary(max_size=40))
    assert failure("answer", bytes([data.draw(st.integers(0, 7))]) + head + body) == ""


def test_every_folder_of_inputs_has_its_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
