"""Who may vote, whose vote counts, how many are missing."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.approval import Requirement, together
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
    needs,
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


def lacking(requirement: Requirement, people: list[Person]) -> int:
    """Where all of them agree."""
    return missing(requirement, (), [Vote(person.id, True, 1) for person in people], people)


def test_each_group_reaches_its_quorum_and_one_person_may_count_for_several() -> None:
    both = Requirement(groups=("security", "finance"))
    assert objection(member("a", "sales"), both, (), [member("a", "sales")]) is Objection.GROUP
    assert lacking(both, [member("a", "security")]) == 1
    assert lacking(both, [member("a", "security", "finance")]) == 0
    apart = Requirement(groups=("security", "finance"), distinct=True)
    assert lacking(apart, [member("a", "security", "finance")]) == 1
    assert lacking(apart, [member("a", "security", "finance"), member("b", "security")]) == 0


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
    assert lacking(requirement, people) == len(seats) - best


# --- several rules at once --------------------------------------------------------------------------------------------

SECURITY, FINANCE = Requirement(groups=("security",)), Requirement(Role.ADMIN, ("finance",), 2)
WHOLE = together([SECURITY, FINANCE, Requirement(quorum=2)])
CREW = [
    Person("ada", Role.ADMIN, groups=("finance",)),
    Person("bob", Role.OWNER, groups=("finance", "security")),
    Person("eve", Role.MEMBER, groups=("finance",)),
    Person("kim", Role.MEMBER),
]


def lacks(*agreed: str) -> dict[tuple[str, Role], int]:
    assert WHOLE is not None
    found = needs(WHOLE, (), [Vote(name, True, 1) for name in agreed], CREW)
    return {(need.group, need.role): need.missing for need in found if need.missing}


def test_every_rule_is_satisfied_by_itself() -> None:
    assert lacks() == {("finance", Role.ADMIN): 2, ("security", Role.MEMBER): 1, ("", Role.MEMBER): 2}
    assert lacks("kim", "eve") == {("finance", Role.ADMIN): 2, ("security", Role.MEMBER): 1}
    assert lacks("kim", "ada") == {("finance", Role.ADMIN): 1, ("security", Role.MEMBER): 1}
    assert lacks("ada", "bob") == {}, "one vote counts for every rule that it satisfies"


def test_whoever_may_vote_for_one_rule_may_vote() -> None:
    assert WHOLE is not None
    narrow = together([SECURITY, FINANCE])
    assert narrow is not None
    assert set(eligible(WHOLE, (), CREW)) == {"ada", "bob", "eve", "kim"}
    assert set(eligible(narrow, (), CREW)) == {"ada", "bob"}
    assert objection(CREW[2], narrow, (), CREW) is Objection.GROUP
    assert objection(CREW[3], FINANCE, (), CREW) is Objection.ROLE
    assert objection(CREW[0], narrow, ("ada",), CREW) is Objection.FOUR_EYES
    assert not reachable(narrow, ("ada",), CREW), "nobody else makes finance's two"
    assert reachable(narrow, (), CREW)


TERMS = st.builds(
    Requirement,
    st.sampled_from([Role.MEMBER, Role.ADMIN]),
    st.sampled_from([(), ("g0",), ("g1",), ("g0", "g1")]),
    st.integers(1, 2),
    st.booleans(),
)
NAMES = ("a", "b", "c", "d")
MEMBERSHIPS = st.lists(
    st.tuples(st.sampled_from(Role), st.sets(st.sampled_from(GROUPS)).map(sorted)), min_size=1, max_size=4
)


@given(st.lists(TERMS, min_size=1, max_size=3), MEMBERSHIPS, st.sets(st.sampled_from(NAMES)), st.sampled_from(NAMES))
def test_together_means_exactly_each(
    terms: list[Requirement], found: list[tuple[Role, list[str]]], yes: set[str], maker: str
) -> None:
    people = [Person(name, role, groups=tuple(groups)) for name, (role, groups) in zip(NAMES, found, strict=False)]
    votes = [Vote(name, True, 1) for name in sorted(yes)]
    whole = together(terms)
    assert whole is not None
    assert satisfied(whole, (maker,), votes, people) == all(satisfied(one, (maker,), votes, people) for one in terms)
    assert reachable(whole, (maker,), people) == all(reachable(one, (maker,), people) for one in terms)
    assert set(eligible(whole, (maker,), people)) == {name for one in terms for name in eligible(one, (maker,), people)}
    assert satisfied(whole, (maker,), votes, people) == (
        not any(n.missing for n in needs(whole, (maker,), votes, people))
    )


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
