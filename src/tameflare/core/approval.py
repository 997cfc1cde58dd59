"""Approvals: who must agree, and what is remembered of their answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tameflare.core.action import Action
from tameflare.core.roles import Role


class Requirement(msgspec.Struct, frozen=True):
    """Who must agree. Every group reaches `quorum` distinct people; no group: the pool of all who are eligible.

    `role` is the lowest role that may vote, never below member. `distinct`: one person counts for one group only.
    `timeout` is how long the approval lives, in seconds; None: as long as the connection waits. `remember`: an answer
    may be remembered although the action moves money or destroys. `also` are the terms of further rules: each is to
    be satisfied by itself. Their `timeout` and `remember` count for nothing, `together` has put them into this one's.
    """

    role: Role = Role.MEMBER
    groups: tuple[str, ...] = ()
    quorum: int = 1
    distinct: bool = False
    timeout: int | None = None
    remember: bool = False
    also: tuple[Requirement, ...] = ()

    @property
    def parts(self) -> tuple[Requirement, ...]:
        """The terms of each rule, who must agree and nothing else."""
        return tuple(map(_terms, (self, *self.also)))


def _terms(requirement: Requirement) -> Requirement:
    return Requirement(requirement.role, requirement.groups, requirement.quorum, requirement.distinct)


ANYBODY: Final = Requirement()


class RememberedApproval(msgspec.Struct, frozen=True):
    """An answer that people chose to have remembered: these actions of this agent need not be held until `expires_at`
    (Unix seconds); `run` empty: whatever the run. `actions` are pairs of type and resource."""

    id: str
    agent: str
    connector: str
    actions: tuple[tuple[str, dict[str, Any]], ...]
    run: str
    expires_at: int


def covering(
    remembered: Iterable[RememberedApproval],
    agent_id: str,
    run_id: str,
    connector_name: str,
    actions: Sequence[Action],
    now: float,
) -> RememberedApproval | None:
    """The remembered answer that covers every one of `actions`, if any. `now` in Unix seconds."""
    for one in remembered:
        if (one.agent, one.connector) != (agent_id, connector_name) or now >= one.expires_at:
            continue
        if one.run in ("", run_id) and actions and all((a.type, a.resource) in one.actions for a in actions):
            return one
    return None


def together(requirements: Sequence[Requirement]) -> Requirement | None:
    """One requirement that is satisfied exactly where each of them is; it has the shortest life of all.

    In whatever order they come, and however often, the result is the same.
    """
    if not requirements:
        return None
    first, *others = sorted({part for requirement in requirements for part in requirement.parts}, key=_order)
    lives = [requirement.timeout for requirement in requirements if requirement.timeout is not None]
    remember = all(requirement.remember for requirement in requirements)
    return replace(first, timeout=min(lives, default=None), remember=remember, also=tuple(others))


def _order(part: Requirement) -> tuple[bool, tuple[str, ...], int, int, bool]:
    """Terms that name groups come first: they are what people look for."""
    return not part.groups, part.groups, list(Role).index(part.role), part.quorum, part.distinct
