"""What actions count for in running totals, from the decision on until it is known that nothing was done."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tameflare.control.services import totals
from tameflare.control.services.action_judging import Judging, Place
from tameflare.control.services.action_questions import Question
from tameflare.control.store import actions
from tameflare.control.store import totals as total_rows
from tameflare.control.store.engine import Connection
from tameflare.control.store.totals import State
from tameflare.core.agent_keys import KeyKind
from tameflare.core.compile import CompiledConnector
from tameflare.core.policy.model import Total
from tameflare.core.totals import Account

Sums = Mapping[Total, Decimal]


def reserve(
    connection: Connection, judging: Judging, place: Place, question: Question, action_id: str, now: int
) -> Sums | None:
    """Have an action count, and the sums with it; None where no rule that can match it compares any."""
    adds = judging.adds(place, question)
    if not adds:
        return None
    account = _account(judging, place, question)
    return totals.reserve(connection, totals.API, action_id, account, adds, now)


def foresee(connection: Connection, judging: Judging, place: Place, question: Question, now: int) -> Sums | None:
    """As `reserve`, with nothing reserved."""
    adds = judging.adds(place, question)
    return totals.foresee(connection, _account(judging, place, question), adds, now) if adds else None


def release(connection: Connection, action_id: str, now: int) -> None:
    """It will not be done: it counts no more."""
    if total_rows.state_of(connection, totals.API, action_id) is State.OPEN:
        totals.release(connection, totals.API, action_id, now)


def end_due(connection: Connection, moment: int, limit: int, now: int) -> None:
    """End those whose time was over at `moment` and of which nobody told how they went. An agent may have acted by
    itself, so they stay counted; only those of test keys do not, which do nothing."""
    counted = total_rows.opened(connection, totals.API)
    for action_id in counted & set(actions.due(connection, moment, limit)) if counted else ():
        action = actions.by_id(connection, action_id)
        is_test = action is not None and action.kind is KeyKind.TEST
        (totals.release if is_test else totals.count)(connection, totals.API, action_id, now)


def _account(judging: Judging, place: Place, question: Question) -> Account:
    """There is a connector wherever something adds up."""
    connector = judging.find_connector(place, question)
    assert isinstance(connector, CompiledConnector)
    return Account(place.gateway.id, place.agent.id, connector.name)
