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


def _objection(person: Person, requirement: Requirement) -> Objection | None:
    """As `objection`, without regard to four eyes."""
    if not (person.active and at_least(person.role, Role.MEMBER) and at_least(person.role, requirement.role)):
        return Objection.ROLE
    if requirement.groups and not set(person.groups) & set(requirement.groups):
        return Objection.GROUP
    return None


def eligible(requirement: Requirement, excluded: Collection[str], people: Iterable[Person]) -> dict[str, Person]:
    """Those whose vote counts, by id.

    `excluded` are those who stand behind the request: where at least two people could answer, none of these may.
    """
    pool = {person.id: person for person in people if _objection(person, requirement) is None}
    if len(pool) < 2:
        return pool
    return {name: person for name, person in pool.items() if name not in excluded}


def objection(
    person: Person, requirement: Requirement, excluded: Collection[str], people: Iterable[Person]
) -> Objection | None:
    """Why this person may not vote; None: he may."""
    found = _objection(person, requirement)
    if found is None and person.id not in eligible(requirement, excluded, people):
        return Objection.FOUR_EYES
    return found


def missing(requirement: Requirement, agreeing: Sequence[Person]) -> int:
    """How many votes are missing beside those of `agreeing`; 0: the requirement is satisfied."""
    if not requirement.groups:
        return max(0, requirement.quorum - len(agreeing))
    if requirement.distinct:
        return len(requirement.groups) * requirement.quorum - _seated(requirement, agreeing)
    members = [sum(group in person.groups for person in agreeing) for group in requirement.groups]
    return sum(max(0, requirement.quorum - count) for count in members)


def _seated(requirement: Requirement, agreeing: Sequence[Person]) -> int:
    """How many seats (a quorum of them per group) can be filled with one person each: a maximum matching."""
    seats = [group for group in requirement.groups for _ in range(requirement.quorum)]
    holder: dict[int, Person] = {}

    def place(person: Person, tried: set[int]) -> bool:
        for seat, group in enumerate(seats):
            if group in person.groups and seat not in tried:
                tried.add(seat)
                if seat not in holder or place(holder[seat], tried):
                    holder[seat] = person
                    return True
        return False

    return sum(place(person, set()) for person in agreeing)


def agreeing(
    requirement: Requirement, excluded: Collection[str], votes: Iterable[Vote], people: Iterable[Person]
) -> list[Person]:
    """Those whose approval counts today: the vote of somebody who was demoted or suspended since is void."""
    able = eligible(requirement, excluded, people)
    return [able[vote.person] for vote in votes if vote.approve and vote.person in able]


def satisfied(
    requirement: Requirement, excluded: Collection[str], votes: Iterable[Vote], people: Iterable[Person]
) -> bool:
    return not missing(requirement, agreeing(requirement, excluded, votes, people))


def reachable(requirement: Requirement, excluded: Collection[str], people: Iterable[Person]) -> bool:
    """Whether enough people exist, if all of them agree."""
    return not missing(requirement, list(eligible(requirement, excluded, people).values()))


def agreed_memory(votes: Iterable[Vote], agreed: Iterable[Person]) -> Remember:
    """How long the answer is remembered: the least that any of those who agreed chose."""
    counted = {person.id for person in agreed}
    chosen = [vote.remember for vote in votes if vote.approve and vote.person in counted]
    return min(chosen, key=list(Remember).index, default=Remember.NONE)
