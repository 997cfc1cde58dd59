"""Who may vote, whose vote counts, how many are missing."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.approval import Requirement
from tameflare.core.roles import Role
from tameflare.core.voting import (
    Objection,
    Person,
    Remember,
    Vote,
    agreed_memory,
    agreeing,
    eligible,
    missing,
    objection,
    reachable,
    satisfied,
)

ADA = Person("ada", Role.OWNER)
BOB = Person("bob", Role.ADMIN)
EVE = Person("eve", Role.MEMBER)
VIC = Person("vic", Role.VIEWER)
ANYBODY = Requirement()


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        (ANYBODY, {"ada", "bob", "eve"}),
        (Requirement(role=Role.VIEWER), {"ada", "bob", "eve"}),
        (Requirement(role=Role.ADMIN), {"ada", "bob"}),
        (Requirement(role=Role.OWNER), {"ada"}),
        (Requirement(groups=("security",)), set()),
    ],
)
def test_a_role_and_never_below_member(requirement: Requirement, expected: set[str]) -> None:
    assert set(eligible(requirement, (), [ADA, BOB, EVE, VIC])) == expected


def test_the_suspended_do_not_count() -> None:
    gone = Person("bob", Role.ADMIN, active=False)
    assert set(eligible(ANYBODY, (), [ADA, gone])) == {"ada"}
    assert objection(gone, ANYBODY, (), [ADA, gone]) is Objection.ROLE


def test_four_eyes_are_on_where_two_could_answer() -> None:
    assert set(eligible(ANYBODY, ("ada",), [ADA])) == {"ada"}
    assert set(eligible(ANYBODY, ("ada",), [ADA, VIC])) == {"ada"}
    assert set(eligible(ANYBODY, ("ada",), [ADA, BOB])) == {"bob"}
    assert set(eligible(ANYBODY, ("ada", "bob"), [ADA, BOB])) == set()
    assert objection(ADA, ANYBODY, ("ada",), [ADA, BOB]) is Objection.FOUR_EYES
    assert objection(BOB, ANYBODY, ("ada",), [ADA, BOB]) is None
    assert not reachable(ANYBODY, ("ada", "bob"), [ADA, BOB])


def test_a_vote_counts_while_its_person_may_vote() -> None:
    votes = [Vote("bob", True, 1), Vote("eve", True, 2), Vote("ada", False, 3)]
    assert [person.id for person in agreeing(ANYBODY, (), votes, [ADA, BOB, EVE])] == ["bob", "eve"]
    demoted = Person("eve", Role.VIEWER)
    assert satisfied(Requirement(quorum=2), (), votes, [ADA, BOB, EVE])
    assert not satisfied(Requirement(quorum=2), (), votes, [ADA, BOB, demoted])


def member(name: str, *groups: str) -> Person:
    return Person(name, Role.MEMBER, groups=groups)


def test_each_group_reaches_its_quorum_and_one_person_may_count_for_several() -> None:
    both = Requirement(groups=("security", "finance"))
    assert objection(member("a", "sales"), both, (), [member("a", "sales")]) is Objection.GROUP
    assert missing(both, [member("a", "security")]) == 1
    assert missing(both, [member("a", "security", "finance")]) == 0
    apart = Requirement(groups=("security", "finance"), distinct=True)
    assert missing(apart, [member("a", "security", "finance")]) == 1
    assert missing(apart, [member("a", "security", "finance"), member("b", "security")]) == 0


GROUPS = ("g0", "g1", "g2")
PEOPLE = st.lists(st.sets(st.sampled_from(GROUPS)).map(sorted), max_size=5)


@given(PEOPLE, st.integers(1, 2), st.integers(1, 3))
def test_distinct_people_are_placed_as_well_as_can_be(found: list[list[str]], quorum: int, count: int) -> None:
    """Against all ways to hand out the seats."""
    people = [member(f"p{number}", *groups) for number, groups in enumerate(found)]
    seats = [group for group in GROUPS[:count] for _ in range(quorum)]
    requirement = Requirement(groups=GROUPS[:count], quorum=quorum, distinct=True)
    size = min(len(people), len(seats))
    best = max(
        sum(seat in person.groups for seat, person in zip(order, chosen, strict=True))
        for order in set(permutations(seats, size))
        for chosen in permutations(people, size)
    )
    assert missing(requirement, people) == len(seats) - best


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (["hour", "hour"], Remember.HOUR),
        (["hour", "run"], Remember.RUN),
        (["hour", "none"], Remember.NONE),
        ([], Remember.NONE),
    ],
)
def test_an_answer_is_remembered_as_long_as_everybody_chose(chosen: list[str], expected: Remember) -> None:
    votes = [Vote(name, True, 1, remember=Remember(word)) for name, word in zip("ab", chosen, strict=False)]
    assert agreed_memory(votes, [member(vote.person) for vote in votes]) is expected


def test_whoever_does_not_count_has_no_say_in_what_is_remembered() -> None:
    votes = [Vote("a", True, 1, remember=Remember.HOUR), Vote("b", True, 1), Vote("c", False, 1)]
    assert agreed_memory(votes, [member("a")]) is Remember.HOUR
