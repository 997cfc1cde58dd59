"""The life of an action of the decision API: every step from every state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tameflare.core import action_states as states
from tameflare.core.action_states import OUTCOME_UNKNOWN, TOKEN_SECONDS, ActionState, ActionStatus

NOW = 1_000
Step = Callable[[ActionState], ActionState]
STEPS: dict[str, Step] = {
    "approve": lambda state: states.approve(state, NOW),
    "deny": lambda state: states.deny(state, "approval_denied", "no", NOW),
    "lapse": lambda state: states.lapse(state, "nobody answered", NOW),
    "expire": lambda state: states.expire(state, NOW),
    "take": lambda state: states.take(state, NOW),
    "done": lambda state: states.settle(state, True, {"status": 201}, NOW),
    "failed": lambda state: states.settle(state, False, {"status": 500}, NOW),
    "lose": lambda state: states.lose(state, "the proxy ended", NOW),
}
_ENDS = {ActionStatus.DENIED, ActionStatus.EXPIRED, ActionStatus.EXECUTED, ActionStatus.FAILED}


def action(
    status: ActionStatus, expires_at: int | None = None, taken_at: int | None = None, outcome: str = ""
) -> ActionState:
    known = {"code": outcome} if outcome else None
    return ActionState(
        status=status, reason="", message="", changed_at=0, expires_at=expires_at, taken_at=taken_at, outcome=known
    )


PLACES = {
    "allowed": action(ActionStatus.ALLOWED, NOW + 1),
    "allowed, over": action(ActionStatus.ALLOWED, NOW),
    "allowed, taken": action(ActionStatus.ALLOWED, None, NOW - 1),
    "pending": action(ActionStatus.PENDING_APPROVAL, NOW),
    "approved": action(ActionStatus.APPROVED, NOW + 1),
    "approved, taken": action(ActionStatus.APPROVED, None, NOW - 1),
    "denied": action(ActionStatus.DENIED),
    "expired": action(ActionStatus.EXPIRED),
    "executed": action(ActionStatus.EXECUTED, None, NOW - 1, "200"),
    "failed": action(ActionStatus.FAILED, None, NOW - 1, "500"),
    "failed, unknown": action(ActionStatus.FAILED, None, NOW - 1, OUTCOME_UNKNOWN),
}
# What each step makes of each place; a step that is not named here leaves it as it is.
TABLE: dict[str, dict[str, ActionStatus]] = {
    "allowed": {"take": ActionStatus.ALLOWED},
    "allowed, over": {"expire": ActionStatus.EXPIRED},
    "allowed, taken": {"done": ActionStatus.EXECUTED, "failed": ActionStatus.FAILED, "lose": ActionStatus.FAILED},
    "pending": {"approve": ActionStatus.APPROVED, "deny": ActionStatus.DENIED, "lapse": ActionStatus.EXPIRED},
    "approved": {"take": ActionStatus.APPROVED},
    "approved, taken": {"done": ActionStatus.EXECUTED, "failed": ActionStatus.FAILED, "lose": ActionStatus.FAILED},
    "denied": {},
    "expired": {},
    "executed": {},
    "failed": {},
    "failed, unknown": {"done": ActionStatus.EXECUTED, "failed": ActionStatus.FAILED},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("place", PLACES)
def test_each_step_from_each_place(place: str, step: str) -> None:
    before = PLACES[place]
    after = STEPS[step](before)
    wanted = TABLE[place].get(step)
    if wanted is None:
        assert after == before
    else:
        assert after != before
        assert after.status is wanted
        assert (after.expires_at is None) == (after.status in _ENDS or after.taken_at is not None)


def test_the_time_to_carry_out_runs_from_the_approval() -> None:
    approved = states.approve(PLACES["pending"], NOW)
    assert approved.expires_at == NOW + TOKEN_SECONDS
    assert states.can_be_taken(approved, NOW + TOKEN_SECONDS - 1)
    assert not states.can_be_taken(approved, NOW + TOKEN_SECONDS)


def test_it_is_taken_once_and_then_it_does_not_expire() -> None:
    taken = states.take(PLACES["allowed"], NOW)
    assert not states.can_be_taken(taken, NOW)
    assert states.take(taken, NOW) == taken
    assert states.expire(taken, NOW + 10 * TOKEN_SECONDS) == taken


def test_what_is_told_late_holds_against_what_was_presumed() -> None:
    lost = states.lose(PLACES["approved, taken"], "the proxy ended", NOW)
    assert lost.outcome == {"code": OUTCOME_UNKNOWN, "message": "the proxy ended"}
    assert states.settle(lost, True, {"status": 200}, NOW).status is ActionStatus.EXECUTED
