"""Which connections may stay: the oldest stranger goes first, what is known stays."""

from __future__ import annotations

import pytest

from tameflare.proxy.admission import Admission, Place
from tameflare.proxy.allowance import Allowance, Allowances


class Connection:
    """Closed a moment after it was cut, as a transport does."""

    def __init__(self) -> None:
        self.cut = False

    def abort(self) -> None:
        self.cut = True


def arrive(admission: Admission, count: int) -> list[Connection]:
    made = [Connection() for _ in range(count)]
    for connection in made:
        assert admission.arrive(connection)
    return made


def test_the_oldest_stranger_makes_room() -> None:
    admission = Admission(100, 3)
    made = arrive(admission, 5)
    assert [connection.cut for connection in made] == [True, True, False, False, False]
    assert (admission.strangers, admission.evicted, admission.turned_away) == (3, 2, 0)
    for connection in made:
        admission.gone(connection)
    assert admission.strangers == 0


def test_who_showed_a_token_is_not_evicted() -> None:
    admission = Admission(100, 2)
    first, second = arrive(admission, 2)
    admission.known(first)
    third, fourth = arrive(admission, 2)
    assert [connection.cut for connection in (first, second, third, fourth)] == [False, True, False, False]


def test_strangers_make_room_where_all_places_are_taken_and_the_known_do_not() -> None:
    admission = Admission(3, 3)
    known = arrive(admission, 2)
    for connection in known:
        admission.known(connection)
    stranger, newer = arrive(admission, 2)
    assert (stranger.cut, newer.cut) == (True, False)
    admission.known(newer)
    assert not admission.arrive(Connection())
    assert admission.turned_away == 1
    admission.gone(known[0])
    assert admission.arrive(Connection())


def test_what_was_turned_away_or_evicted_counts_no_more_however_it_ends() -> None:
    admission = Admission(1, 1)
    (first,) = arrive(admission, 1)
    (second,) = arrive(admission, 1)
    for connection in (first, first):
        admission.known(connection)
        admission.gone(connection)
    assert admission.strangers == 1
    admission.known(second)
    assert not admission.arrive(first)
    admission.gone(first)
    assert not admission.arrive(first), "the known one still has the only place"


@pytest.mark.parametrize("again", ["agent-1", "agent-2"])
def test_a_place_is_counted_on_one_agent_at_a_time(again: str) -> None:
    admission, allowances = Admission(9, 9), Allowances(Allowance(1, 1, 1))
    place, other = (Place(Connection(), admission, allowances) for _ in range(2))
    assert place.take()
    assert place.belongs_to("agent-1")
    assert place.belongs_to(again)
    assert [allowances.used(agent).tunnels for agent in ("agent-1", "agent-2")] == [
        again == "agent-1",
        again == "agent-2",
    ]
    assert other.take()
    assert not other.belongs_to(again)
    place.leave()
    assert other.belongs_to(again)
    other.leave()
    assert (len(allowances), admission.strangers) == (0, 0)
