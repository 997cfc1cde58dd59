"""What became of requests that people let go: read from the records that proxies deliver."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from tameflare.control.services import approval_changes as changes
from tameflare.control.services.context import Context
from tameflare.control.store import approvals
from tameflare.control.store.approvals import StoredApproval
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.traffic import Delivery, TrafficStore
from tameflare.core import approval_states as states
from tameflare.core.approval_states import Status
from tameflare.core.decision import Reason
from tameflare.link.messages import Outcome

MAY_HAVE_GONE: Final = frozenset(
    {
        Reason.UPSTREAM_TIMEOUT,
        Reason.UPSTREAM_CLOSED,
        Reason.UPSTREAM_INVALID,
        Reason.RESPONSE_ENCODED,
        Reason.CLIENT_CLOSED,
        Reason.SHUTTING_DOWN,
        Reason.KILL_SWITCH_ACTIVE,
        Reason.INTERNAL_ERROR,
    }
)
"""With these the upstream may or may not have done it."""


class _Release(NamedTuple):
    """`given_up`: nothing is expected any more, but what comes all the same is believed."""

    approval: str
    epoch: str
    given_up: bool = False


_Awaited = dict[str, dict[str, _Release]]


class _Found(NamedTuple):
    """What a delivery says of one release."""

    approval: str
    status: Status | None
    epoch: str
    outcome: Outcome | None


class Outcomes:
    """Knows which requests are awaited, so that a delivery that tells of none of them costs a look into a dict."""

    def __init__(self, context: Context, database: Database, traffic: TrafficStore) -> None:
        self._context = context
        self._database = database
        self._traffic = traffic
        self._revision, self._awaited = database.read_now(_let_go)

    def expect(self, proxy: str, request_id: str, approval: str, epoch: str) -> None:
        """A request was let go; a record will tell how it ended."""
        self._awaited.setdefault(proxy, {})[request_id] = _Release(approval, epoch)

    def drop(self, proxy: str, request_id: str) -> None:
        """The proxy says that it did not send the request: no record will come."""
        self._awaited.get(proxy, {}).pop(request_id, None)

    async def take(self, delivery: Delivery) -> None:
        """Note what a delivery tells. Called before the delivery is stored: where that fails it comes once more, and
        what was noted is noted again."""
        await self._look_around()
        awaited = self._awaited.get(delivery.proxy)
        if not awaited:
            return
        found = self._read(delivery, awaited)
        for request_id, release in list(awaited.items()):
            if await self._is_over(delivery, request_id, release):
                found[request_id] = _Found(release.approval, Status.UNKNOWN, release.epoch, None)
        if found:
            await self._database.write(lambda connection: self._note(connection, found))
            for request_id, told in found.items():
                if told.outcome is not None or told.status is Status.FAILED:
                    awaited.pop(request_id, None)
                else:
                    awaited[request_id] = _Release(told.approval, told.epoch, told.status is Status.UNKNOWN)

    async def _look_around(self) -> None:
        """What other servers on the same database have let go: they had committed it before the request went."""
        if not self._database.is_file and await self._database.read(approvals.revision) != self._revision:
            self._revision, self._awaited = await self._database.read(_let_go)

    def _read(self, delivery: Delivery, awaited: dict[str, _Release]) -> dict[str, _Found]:
        rows, found = delivery.rows, {}
        for request_id in awaited.keys() & (rows.intents.keys() | rows.outcomes.keys()):
            outcome, intent = rows.outcomes.get(request_id), rows.intents.get(request_id)
            status = _status(outcome) if outcome is not None else None
            if outcome is None and intent is not None and intent.final:
                status = Status.FAILED
            found[request_id] = _Found(awaited[request_id].approval, status, delivery.epoch, outcome)
        return found

    async def _is_over(self, delivery: Delivery, request_id: str, release: _Release) -> bool:
        """Whether the proxy's life in which this was let go has delivered all it had: records come in their order."""
        if release.given_up or release.epoch in ("", delivery.epoch) or request_id in delivery.rows.outcomes:
            return False
        return await self._traffic.position(delivery.proxy, release.epoch) > 0

    def _note(self, connection: Connection, found: dict[str, _Found]) -> None:
        now = self._context.now()
        for told in found.values():
            stored = approvals.by_id(connection, told.approval)
            if stored is not None:
                _settle(connection, stored, told, now)


def _let_go(connection: Connection) -> tuple[int, _Awaited]:
    """The newest revision of approvals, and what is awaited according to it."""
    awaited: _Awaited = {}
    for stored in approvals.released(connection):
        taken = stored.state.taken
        if taken is not None:
            release = _Release(stored.state.id, taken.epoch, stored.state.status is Status.UNKNOWN)
            awaited.setdefault(taken.proxy, {})[taken.request] = release
    return approvals.revision(connection), awaited


def _settle(connection: Connection, stored: StoredApproval, told: _Found, now: int) -> None:
    state = stored.state
    if state.taken is not None and told.epoch and state.taken.epoch == "":
        state = replace(state, taken=replace(state.taken, epoch=told.epoch))
    if told.outcome is not None:
        stored = replace(stored, outcome_status=told.outcome.status, outcome_latency_us=told.outcome.latency_us)
    if told.status is not None:
        state = states.settle(state, told.status, _message(told))
    changes.apply(connection, stored, state, now)


def _status(outcome: Outcome) -> Status:
    answered = 0 < outcome.status < 400
    if not outcome.reason:
        return Status.EXECUTED if answered else Status.FAILED
    if outcome.reason not in MAY_HAVE_GONE:
        return Status.FAILED
    return Status.EXECUTED if answered else Status.UNKNOWN


def _message(told: _Found) -> str:
    if told.status is Status.UNKNOWN:
        why = told.outcome.reason if told.outcome is not None else "the proxy ended"
        return f"nobody knows whether the upstream did it ({why}): look there"
    if told.outcome is not None and told.outcome.reason:
        return told.outcome.reason
    return "" if told.outcome is not None else "the request was refused before it was sent"
