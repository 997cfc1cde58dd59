"""Every record is stored once, however deliveries are cut, repeated and damaged."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.control.records import frames, intent, outcome, pair, refusal

from tameflare.control.services.intake import Batch, Intake, SequenceGap
from tameflare.control.store.traffic import TrafficStore
from tameflare.control.store.traffic_read import Filter, Found
from tameflare.link.messages import Record, SpoolPosition
from tameflare.link.spool import HEADER_BYTES, frame


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[TrafficStore]:
    store = TrafficStore.open(tmp_path / "traffic.db")
    yield store
    store.close()


def receive(traffic: TrafficStore, sequence: int, body: bytes, *, epoch: str = "e1", missing: int = 0) -> SpoolPosition:
    return asyncio.run(Intake(traffic).receive("prx", Batch(epoch, sequence, body, missing)))


def rows(traffic: TrafficStore) -> list[Found]:
    return asyncio.run(traffic.newest(Filter(), None, 1000))


def ids(traffic: TrafficStore) -> list[str]:
    return sorted(row["request_id"] for row in rows(traffic))


def test_intent_and_outcome_become_one_row(traffic: TrafficStore) -> None:
    assert receive(traffic, 0, frames(pair("a"))) == SpoolPosition("e1", 2)
    (row,) = rows(traffic)
    assert (row["request_id"], row["proxy"], row["status"], row["reason"]) == ("a", "prx", 200, "rule_allow")
    assert (row["action"], row["parts"]) == ("github.pr.merge", 3)
    assert row["actions"] == '[["github.pr.merge","high","write",{"base":"main"}]]'


def test_a_refusal_is_complete_by_itself(traffic: TrafficStore) -> None:
    receive(traffic, 0, frames([refusal("a")]))
    (row,) = rows(traffic)
    assert (row["parts"], row["status"], row["overhead_us"], row["decision"]) == (3, 403, 90, "deny")


@pytest.mark.parametrize("order", [("intent", "outcome"), ("outcome", "intent")])
def test_halves_that_come_apart_are_joined_in_either_order(traffic: TrafficStore, order: tuple[str, str]) -> None:
    half: dict[str, Record] = {"intent": intent("a"), "outcome": outcome("a", reason="upstream_timeout")}
    receive(traffic, 0, frames([half[order[0]]]))
    assert [row["parts"] == 3 for row in rows(traffic)] == [False]
    receive(traffic, 0, frames([half[order[1]]]), epoch="e2")
    (row,) = rows(traffic)
    assert (row["parts"], row["status"], row["host"], row["reason"]) == (3, 200, "api.github.com", "rule_allow")
    assert row["failure"] == "upstream_timeout"


@pytest.mark.parametrize("own", [(), ("warned",), ("warned", "agent_key_seen")])
@pytest.mark.parametrize("later", [(), ("masked",), ("encoded_response", "masked")])
@pytest.mark.parametrize("cut", [None, ("intent", "outcome"), ("outcome", "intent")])
def test_flags_of_both_halves_are_told(
    traffic: TrafficStore, own: tuple[str, ...], later: tuple[str, ...], cut: tuple[str, str] | None
) -> None:
    half: dict[str, Record] = {"intent": intent("a", flags=own), "outcome": outcome("a", flags=later)}
    if cut is None:
        receive(traffic, 0, frames(half.values()))
    else:
        receive(traffic, 0, frames([half[cut[0]]]))
        receive(traffic, 0, frames([half[cut[1]]]), epoch="e2")
    (row,) = rows(traffic)
    assert sorted(json.loads(row["flags"])) == sorted(own + later)
    assert row["parts"] == 3


def test_what_was_stored_is_skipped(traffic: TrafficStore) -> None:
    receive(traffic, 0, frames([*pair("a"), *pair("b")]))
    assert receive(traffic, 0, frames([*pair("a"), *pair("b")])) == SpoolPosition("e1", 4)
    assert receive(traffic, 2, frames([*pair("b"), *pair("c")])) == SpoolPosition("e1", 6)
    assert ids(traffic) == ["a", "b", "c"]


def test_a_gap_is_refused_with_the_expected_position(traffic: TrafficStore) -> None:
    receive(traffic, 0, frames(pair("a")))
    with pytest.raises(SequenceGap, match="record 2 of epoch `e1` is expected, record 3 came") as caught:
        receive(traffic, 3, frames(pair("c")))
    assert caught.value.position == SpoolPosition("e1", 2)
    assert ids(traffic) == ["a"]


def test_records_that_the_proxy_lost_are_noted_and_do_not_stop_the_rest(traffic: TrafficStore) -> None:
    receive(traffic, 0, frames(pair("a")))
    with pytest.raises(SequenceGap):
        receive(traffic, 5, frames(pair("c")), missing=2)
    assert receive(traffic, 5, frames(pair("c")), missing=3) == SpoolPosition("e1", 7)
    assert receive(traffic, 5, frames(pair("c")), missing=3) == SpoolPosition("e1", 7)
    noted = traffic.database.read_now(
        lambda connection: connection.exec_driver_sql("SELECT proxy, epoch, sequence, count FROM missing").fetchall()
    )
    assert [tuple(row) for row in noted] == [("prx", "e1", 2, 3)]


@pytest.mark.parametrize("damage", ["cut", "flip", "length"])
def test_from_a_damaged_frame_on_nothing_is_taken(traffic: TrafficStore, damage: str) -> None:
    good, bad = frames(pair("a")), frames(pair("b"))
    broken = {
        "cut": bad[: len(bad) - 1],
        "flip": bad[:20] + bytes([bad[20] ^ 1]) + bad[21:],
        "length": b"\xff\xff\xff\xff" + bad[4:],
    }[damage]
    expected = 3 if damage == "cut" else 2
    assert receive(traffic, 0, good + broken) == SpoolPosition("e1", expected)
    whole = frames([*pair("b")])[len(frame(intent("b"))) * (expected - 2) :]
    assert receive(traffic, expected, whole) == SpoolPosition("e1", 4)
    assert [row["parts"] for row in rows(traffic)] == [3, 3]


def test_an_empty_delivery_tells_the_position(traffic: TrafficStore) -> None:
    assert receive(traffic, 0, b"") == SpoolPosition("e1", 0)
    receive(traffic, 0, frames(pair("a")))
    assert receive(traffic, 0, b"") == SpoolPosition("e1", 2)


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "little") + crc32(payload).to_bytes(4, "little") + payload


@pytest.mark.parametrize(
    "strange",
    [
        _framed(b"\x93\xa1zfuture"),
        _framed(b""),
        frames([outcome("x", bytes_in=1 << 63)]),
        frames([outcome("x", latency_us=-1)]),
        frames([intent("x", time=float("nan"))]),
        frames([intent("x", port=1 << 64 - 1)]),
    ],
)
def test_an_undamaged_frame_that_cannot_be_read_is_kept_aside(traffic: TrafficStore, strange: bytes) -> None:
    assert receive(traffic, 0, frames(pair("a")) + strange + frames(pair("b"))) == SpoolPosition("e1", 5)
    kept = traffic.database.read_now(
        lambda connection: connection.exec_driver_sql("SELECT sequence, payload FROM unreadable").fetchall()
    )
    assert [tuple(row) for row in kept] == [(2, strange[HEADER_BYTES:])]
    assert ids(traffic) == ["a", "b"]


def test_proxies_do_not_touch_each_others_rows(traffic: TrafficStore) -> None:
    receive(traffic, 0, frames([intent("a")]))
    asyncio.run(Intake(traffic).receive("other", Batch("e1", 0, frames([outcome("a", status=500)]))))
    assert sorted((row["proxy"], row["parts"]) for row in rows(traffic)) == [("other", 2), ("prx", 1)]


def test_deliveries_at_the_same_time_store_once(traffic: TrafficStore) -> None:
    intake, body = Intake(traffic), frames([record for name in "abcdef" for record in pair(name)])

    async def story() -> list[SpoolPosition]:
        return await asyncio.gather(*(intake.receive("prx", Batch("e1", 0, body)) for _ in range(8)))

    assert asyncio.run(story()) == [SpoolPosition("e1", 12)] * 8
    assert ids(traffic) == list("abcdef")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24), st.integers(0, 40)), max_size=12), st.randoms())
def test_any_cuts_repeats_and_tears_end_in_the_same_rows(
    deliveries: list[tuple[int, int, int]], random: object
) -> None:
    """Whatever was delivered before, sending everything from the stored position on completes the record."""
    halves = [record for number in range(8) for record in pair(f"r{number}")]
    records = [*halves, *(refusal(f"x{number}") for number in range(8))]
    random.shuffle(records)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as directory:
        traffic = TrafficStore.open(Path(directory) / "traffic.db")
        reached = 0
        for first, last, torn in deliveries:
            body = frames(records[first:last])
            if first <= reached:
                reached = receive(traffic, first, body[: max(0, len(body) - torn)]).sequence
            else:
                with pytest.raises(SequenceGap):
                    receive(traffic, first, body)
        assert receive(traffic, reached, frames(records[reached:])).sequence == len(records)
        stored = {row["request_id"]: (row["parts"], row["status"]) for row in rows(traffic)}
        count = len(rows(traffic))
        traffic.close()
    assert count == len(stored) == 16
    assert stored == {f"r{n}": (3, 200) for n in range(8)} | {f"x{n}": (3, 403) for n in range(8)}
