"""Frames of the record spool: round trips, torn tails, damage."""

from __future__ import annotations

from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.link.messages import Intent, Outcome, Record, RecordedAction
from tameflare.link.spool import HEADER_BYTES, MAX_PAYLOAD, decode, frame, payloads

numbers = st.integers(min_value=0, max_value=2**63 - 1)
words = st.text(max_size=20)
outcomes = st.builds(Outcome, words, numbers, numbers, numbers, numbers, numbers, words)
recorded = st.builds(RecordedAction, words, words, words, st.dictionaries(words, words, max_size=3))
intents = st.builds(
    Intent,
    request_id=words, time=st.floats(allow_nan=False, allow_infinity=False), gateway=words, agent=words, run=words,
    connector=words, actions=st.lists(recorded, max_size=3).map(tuple), method=words, scheme=words, host=words,
    port=st.integers(0, 65535), path=words, content_type=words, user_agent=words, verdict=words, reason=words,
    message=words, matched=st.lists(words, max_size=3).map(tuple), would_be=words, level=words,
    flags=st.lists(words, max_size=3).map(tuple), configuration=numbers, final=st.booleans(),
)  # fmt: skip
records = st.lists(outcomes | intents, max_size=6)


def read(data: bytes) -> list[Record]:
    return [decode(payload) for _, payload in payloads(data)]


@given(records)
def test_what_is_framed_is_read_back(written: list[Record]) -> None:
    assert read(b"".join(map(frame, written))) == written


@given(records)
def test_offsets_lead_from_frame_to_frame(written: list[Record]) -> None:
    data = b"".join(map(frame, written))
    ends = [end for end, _ in payloads(data)]
    assert ends == sorted(set(ends))
    for number, end in enumerate(ends):
        assert [decode(payload) for _, payload in payloads(data, end)] == written[number + 1 :]


@given(records, st.integers(min_value=0))
def test_a_torn_tail_costs_only_the_record_that_it_tears(written: list[Record], cut: int) -> None:
    frames = [frame(record) for record in written]
    data = b"".join(frames)
    kept = data[: cut % (len(data) + 1)]
    whole, length = 0, 0
    while whole < len(frames) and length + len(frames[whole]) <= len(kept):
        length += len(frames[whole])
        whole += 1
    assert read(kept) == written[:whole]


@given(st.lists(outcomes, min_size=1, max_size=4), st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_damage_stops_the_reading_before_it(written: list[Record], place: int, bit: int) -> None:
    data = bytearray(b"".join(map(frame, written)))
    data[place % len(data)] ^= 1 << bit
    found = [decode(payload) for _, payload in payloads(bytes(data))]
    assert found == written[: len(found)]
    assert len(found) < len(written)


@given(st.binary(max_size=200))
def test_noise_is_no_frame_or_a_whole_one(noise: bytes) -> None:
    for end, payload in payloads(noise):
        assert HEADER_BYTES + len(payload) <= end <= len(noise)


def test_an_absurd_length_is_not_believed() -> None:
    payload = bytes(MAX_PAYLOAD + 1)
    header = len(payload).to_bytes(4, "little") + crc32(payload).to_bytes(4, "little")
    assert list(payloads(header + payload)) == []
    largest = bytes(MAX_PAYLOAD)
    header = len(largest).to_bytes(4, "little") + crc32(largest).to_bytes(4, "little")
    assert [end for end, _ in payloads(header + largest)] == [HEADER_BYTES + MAX_PAYLOAD]


@pytest.mark.parametrize("payload", [b"", b"\xc0", b"\x91\xa1x", b"\x93\xa1o\x01\x02", b"\xff" * 9])
def test_a_payload_that_is_no_record_is_refused(payload: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(payload)
