"""Votes on an approval: who may vote, whose vote counts, how many are missing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

import msgspec

from tameflare.core.approval import Requirement
from tameflare.core.roles import Role, at_least


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account, as far as voting goes."""

    id: str
    role: Role
    active: bool = True
    groups: tuple[str, ...] = ()


class Remember(StrEnum):
    """For how long an answer is to stand for later requests of the same kind; from least to most."""

    NONE = "none"
    RUN = "run"
    HOUR = "hour"


class Vote(msgspec.Struct, frozen=True):
    """`at` in Unix seconds; `reason` is what the agent and the records are told."""

    person: str
    approve: bool
    at: int
    reason: str = ""
    remember: Remember = Remember.NONE


class Objection(StrEnum):
    """Why somebody's vote does not count."""

    ROLE = "role"
    GROUP = "group"
    FOUR_EYES = "four_eyes"


class Need(msgspec.Struct, frozen=True):
    """One group that must agree, or with `group` empty everybody with the role: `missing` of `quorum` votes are not
    there yet. `distinct`: whoever counts here counts for no other group of the same rule."""

    role: Role
    group: str
    quorum: int
    missing: int
    distinct: bool = False


# --- who may vote -----------------------------------------------------------------------------------------------------


def eligible(requirement: Requirement, excluded: Collection[str], people: Collection[Person]) -> dict[str, Person]:
    """Those whose vote counts for any part of the requirement, by id.

    `excluded` are those who stand behind the request: where at least two people could answer, none of these may.
    """
    able: dict[str, Person] = {}
    for part in requirement.parts:
        able |= _able(part, excluded, people)
    return able


def _able(part: Requirement, excluded: Collection[str], people: Iterable[Person]) -> dict[str, Person]:
    """As `eligible`, for a requirement of one part."""
    pool = {person.id: person for person in people if _unfit(person, part) is None}
    if len(pool) < 2:
        return pool
    return {name: person for name, person in pool.items() if name not in excluded}


def _unfit(person: Person, part: Requirement) -> Objection | None:
    """As `objection`, without regard to four eyes."""
    if not (person.active and at_least(person.role, Role.MEMBER) and at_least(person.role, part.role)):
        return Objection.ROLE
    if part.groups and not set(person.groups) & set(part.groups):
        return Objection.GROUP
    return None


def objection(
    person: Person, requirement: Requirement, excluded: Collection[str], people: Collection[Person]
) -> Objection | None:
    """Why this person may not vote for any part; None: he may."""
    if person.id in eligible(requirement, excluded, people):
        return None
    found = {_unfit(person, part) for part in requirement.parts}
    if None in found:
        return Objection.FOUR_EYES
    return Objection.GROUP if Objection.GROUP in found else Objection.ROLE


# --- whose vote counts ------------------------------------------------------------------------------------------------


def agreeing(
    requirement: Requirement, excluded: Collection[str], votes: Iterable[Vote], people: Collection[Person]
) -> list[Person]:
    """Those whose approval counts today: the vote of somebody who was demoted or suspended since is void."""
    able = eligible(requirement, excluded, people)
    return [able[vote.person] for vote in votes if vote.approve and vote.person in able]


def needs(
    requirement: Requirement, excluded: Collection[str], votes: Iterable[Vote], people: Collection[Person]
) -> tuple[Need, ...]:
    """Every group of every part with the votes that it lacks today; a part without groups is one entry."""
    yes = {vote.person for vote in votes if vote.approve}
    return tuple(need for part in requirement.parts for need in _needs_of(part, excluded, yes, people))


def missing(
    requirement: Requirement, excluded: Collection[str], votes: Iterable[Vote], people: Collection[Person]
) -> int:
    """How many votes are missing, at least (one may count for several parts); 0: the requirement is satisfied."""
    yes = {vote.person for vote in votes if vote.approve}
    return max(_missing(part, excluded, yes, people) for part in requirement.parts)


def satisfied(
    requirement: Requirement, excluded: Collection[str], votes: Iterable[Vote], people: Collection[Person]
) -> bool:
    return not missing(requirement, excluded, votes, people)


def reachable(requirement: Requirement, excluded: Collection[str], people: Collection[Person]) -> bool:
    """Whether enough people exist, if all of them agree."""
    everybody = {person.id for person in people}
    return not any(_missing(part, excluded, everybody, people) for part in requirement.parts)


def _missing(part: Requirement, excluded: Collection[str], yes: Collection[str], people: Iterable[Person]) -> int:
    """At least so many: one person may count for several groups, unless they are to be distinct."""
    counts = [need.missing for need in _needs_of(part, excluded, yes, people)]
    return sum(counts) if part.distinct else max(counts)


def _needs_of(
    part: Requirement, excluded: Collection[str], yes: Collection[str], people: Iterable[Person]
) -> Iterable[Need]:
    agreed = [person for name, person in _able(part, excluded, people).items() if name in yes]
    for group, count in _counted(part, agreed).items():
        yield Need(part.role, group, part.quorum, max(0, part.quorum - count), part.distinct)


def _counted(part: Requirement, agreed: Sequence[Person]) -> dict[str, int]:
    """How many of those who agreed count for each group."""
    if not part.groups:
        return {"": len(agreed)}
    if part.distinct:
        return _seated(part, agreed)
    return {group: sum(group in person.groups for person in agreed) for group in part.groups}


def _seated(part: Requirement, agreed: Sequence[Person]) -> dict[str, int]:
    """How many seats (a quorum of them per group) can be filled with one person each: a maximum matching."""
    seats = [group for group in dict.fromkeys(part.groups) for _ in range(part.quorum)]
    holder: dict[int, Person] = {}

    def place(person: Person, tried: set[int]) -> bool:
        for seat, group in enumerate(seats):
            if group in person.groups and seat not in tried:
                tried.add(seat)
                if seat not in holder or place(holder[seat], tried):
                    holder[seat] = person
                    return True
        return False

    for person in agreed:
        place(person, set())
    return {group: sum(seats[seat] == group for seat in holder) for group in part.groups}


def agreed_memory(votes: Iterable[Vote], agreed: Iterable[Person]) -> Remember:
    """How long the answer is remembered: the least that any of those who agreed chose."""
    counted = {person.id for person in agreed}
    chosen = [vote.remember for vote in votes if vote.approve and vote.person in counted]
    return min(chosen, key=list(Remember).index, default=Remember.NONE)
