"""Approvals as rows: the state machine's value, what people see of it, and everything that asked for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, Select, and_, delete, func, or_, select, update

from tameflare.control.store import meta
from tameflare.control.store.approvals_schema import approval_requests, approval_votes, approvals, proxy_epochs
from tameflare.control.store.engine import touch
from tameflare.control.store.upsert import insert as upsert
from tameflare.core.approval import Requirement
from tameflare.core.approval_states import OPEN, Approval, Asker, Status
from tameflare.core.decision import Reason
from tameflare.core.voting import Remember, Vote
from tameflare.link.approvals import Held

TOPIC: Final = "approvals"
_REVISION: Final = "approvals.revision"
_OPEN: Final = sorted(status.value for status in OPEN)


class StoredApproval(msgspec.Struct, frozen=True):
    """`state` is the machine's value; `voters` are names by id; `request_ids` are all that were held for it.

    `outcome_status` and `outcome_latency_us` are of the request that was let go, once its record came.
    """

    state: Approval
    held: Held
    gateway: str
    agent: str
    voters: Mapping[str, str] = {}
    request_ids: tuple[str, ...] = ()
    outcome_status: int | None = None
    outcome_latency_us: int | None = None
    revision: int = 0


# --- reading ----------------------------------------------------------------------------------------------------------


def by_id(connection: Connection, approval_id: str) -> StoredApproval | None:
    return _one(connection, select(approvals).where(approvals.c.id == approval_id))


def by_request(connection: Connection, proxy_id: str, request_id: str) -> StoredApproval | None:
    """The approval that a request was held for."""
    mine = and_(approval_requests.c.proxy_id == proxy_id, approval_requests.c.request_id == request_id)
    query = select(approvals).join(approval_requests, approval_requests.c.approval_id == approvals.c.id)
    return _one(connection, query.where(mine))


def open_for(connection: Connection, gateway_id: str, agent_id: str, digest: str) -> StoredApproval | None:
    """The one that is open for this very thing."""
    thing = and_(approvals.c.gateway_id == gateway_id, approvals.c.agent_id == agent_id, approvals.c.digest == digest)
    return _one(connection, select(approvals).where(thing, approvals.c.status.in_(_OPEN)))


def denied_since(
    connection: Connection, gateway_id: str, agent_id: str, digest: str, moment: float
) -> StoredApproval | None:
    """The newest one for this very thing that a person denied after `moment`, in Unix seconds."""
    thing = and_(approvals.c.gateway_id == gateway_id, approvals.c.agent_id == agent_id, approvals.c.digest == digest)
    denied = and_(approvals.c.status == Status.DENIED.value, approvals.c.reason == Reason.APPROVAL_DENIED.value)
    query = select(approvals).where(thing, denied, approvals.c.answered_at > moment)
    return _one(connection, query.order_by(approvals.c.answered_at.desc()).limit(1))


def opened(connection: Connection) -> list[StoredApproval]:
    return _every(connection, select(approvals).where(approvals.c.status.in_(_OPEN)))


def due(connection: Connection, now: int) -> list[StoredApproval]:
    """Open ones whose time is over."""
    return _every(connection, select(approvals).where(approvals.c.expires_at <= now))


def next_end(connection: Connection) -> int | None:
    """When the next open one ends by itself."""
    found: int | None = connection.scalar(select(func.min(approvals.c.expires_at)))
    return found


def released(connection: Connection) -> list[StoredApproval]:
    """Those that were let go and of which a record may still tell."""
    wanted = approvals.c.status.in_([Status.RELEASED.value, Status.UNKNOWN.value])
    return _every(connection, select(approvals).where(wanted, approvals.c.outcome_status.is_(None)))


def count_pending(connection: Connection) -> int:
    """How many wait for people."""
    query = select(func.count()).select_from(approvals).where(approvals.c.status == Status.PENDING.value)
    return connection.scalar(query) or 0


def pending_of(connection: Connection, gateway_id: str, agent_id: str) -> int:
    """How many of an agent's wait for people."""
    mine = and_(approvals.c.gateway_id == gateway_id, approvals.c.agent_id == agent_id)
    wanted = select(func.count()).select_from(approvals).where(mine, approvals.c.status == Status.PENDING.value)
    return connection.scalar(wanted) or 0


def changed_after(connection: Connection, revision: int, limit: int) -> list[StoredApproval]:
    """In the order of their changes."""
    query = select(approvals).where(approvals.c.revision > revision).order_by(approvals.c.revision).limit(limit)
    return _every(connection, query)


def page(
    connection: Connection, statuses: Iterable[Status] | None, before: tuple[int, str] | None, limit: int
) -> list[StoredApproval]:
    """Newest first; `before` is time and id of the last one seen."""
    query = select(approvals).order_by(approvals.c.raised_at.desc(), approvals.c.id.desc()).limit(limit)
    if statuses is not None:
        query = query.where(approvals.c.status.in_([status.value for status in statuses]))
    if before is not None:
        raised_at, last = before
        same = and_(approvals.c.raised_at == raised_at, approvals.c.id < last)
        query = query.where(or_(approvals.c.raised_at < raised_at, same))
    return _every(connection, query)


def revision(connection: Connection) -> int:
    """The revision of the newest change."""
    found = meta.named_like(connection, _REVISION)
    return int(found[0].value) if found else 0


# --- writing ----------------------------------------------------------------------------------------------------------


def put(connection: Connection, stored: StoredApproval, now: int) -> StoredApproval:
    """Store an approval with a revision of its own, and tell whoever watches."""
    number = revision(connection) + 1
    meta.put(connection, meta.Value(_REVISION, str(number), now))
    values = _columns(stored) | {"revision": number}
    rest = {name: value for name, value in values.items() if name != "id"}
    connection.execute(
        upsert(connection, approvals).values(**values).on_conflict_do_update(index_elements=["id"], set_=rest)
    )
    _put_votes(connection, stored)
    _put_waiting(connection, stored.state)
    touch(connection, TOPIC)
    return msgspec.structs.replace(stored, revision=number)


def _put_votes(connection: Connection, stored: StoredApproval) -> None:
    for vote in stored.state.votes:
        values = {
            "name": stored.voters[vote.person],
            "approve": vote.approve,
            "reason": vote.reason,
            "remember": vote.remember.value,
            "at": vote.at,
        }
        row = upsert(connection, approval_votes).values(approval_id=stored.state.id, user_id=vote.person, **values)
        connection.execute(row.on_conflict_do_update(index_elements=["approval_id", "user_id"], set_=values))


def _put_waiting(connection: Connection, state: Approval) -> None:
    requests = approval_requests
    connection.execute(update(requests).where(requests.c.approval_id == state.id).values(waiting=False))
    for place, asker in enumerate(state.waiting):
        row = upsert(connection, requests).values(
            proxy_id=asker.proxy,
            request_id=asker.request,
            approval_id=state.id,
            epoch=asker.epoch,
            waiting=True,
            place=place,
        )
        keys = ["proxy_id", "request_id"]
        connection.execute(row.on_conflict_do_update(index_elements=keys, set_={"waiting": True, "place": place}))


def remove_before(connection: Connection, moment: int) -> int:
    """Delete those that were answered before `moment`; how many."""
    old = and_(approvals.c.status.not_in(_OPEN), approvals.c.answered_at < moment)
    return connection.execute(delete(approvals).where(old)).rowcount


def newest_epoch(connection: Connection, proxy_id: str) -> str | None:
    """The life of a proxy that was heard of last for the first time."""
    query = select(proxy_epochs.c.epoch).where(proxy_epochs.c.proxy_id == proxy_id)
    found: str | None = connection.scalar(query.order_by(proxy_epochs.c.number.desc()).limit(1))
    return found


def add_epoch(connection: Connection, proxy_id: str, epoch: str) -> bool:
    """Note a life of a proxy; False where it was heard of before."""
    row = upsert(connection, proxy_epochs).values(proxy_id=proxy_id, epoch=epoch).on_conflict_do_nothing()
    return connection.scalar(row.returning(proxy_epochs.c.number)) is not None


# --- rows -------------------------------------------------------------------------------------------------------------


def _one(connection: Connection, query: Select[Any]) -> StoredApproval | None:
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _stored(connection, row)


def _every(connection: Connection, query: Select[Any]) -> list[StoredApproval]:
    return [_stored(connection, row) for row in connection.execute(query).mappings().all()]


def _stored(connection: Connection, row: RowMapping) -> StoredApproval:
    votes = approval_votes
    requests = approval_requests
    cast = connection.execute(select(votes).where(votes.c.approval_id == row["id"]).order_by(votes.c.at)).all()
    asked = connection.execute(select(requests).where(requests.c.approval_id == row["id"]).order_by(requests.c.place))
    askers = [(Asker(one.proxy_id, one.request_id, one.epoch), one.waiting) for one in asked]
    return StoredApproval(
        _state(row, tuple(_vote(one) for one in cast), tuple(asker for asker, waiting in askers if waiting)),
        msgspec.convert(row["held"], Held),
        row["gateway"],
        row["agent"],
        {one.user_id: one.name for one in cast},
        tuple(asker.request for asker, _ in askers),
        row["outcome_status"],
        row["outcome_latency_us"],
        row["revision"],
    )


def _state(row: RowMapping, votes: tuple[Vote, ...], waiting: tuple[Asker, ...]) -> Approval:
    taken = Asker(row["taken_proxy"], row["taken_request"], row["taken_epoch"]) if row["taken_request"] else None
    return Approval(
        id=row["id"],
        gateway=row["gateway_id"],
        agent=row["agent_id"],
        connector=row["connector"],
        digest=row["digest"],
        requirement=msgspec.convert(row["requirement"], Requirement),
        configuration=row["configuration"],
        raised_at=row["raised_at"],
        deadline=row["deadline"],
        excluded=tuple(row["excluded"]),
        status=Status(row["status"]),
        votes=votes,
        waiting=waiting,
        taken=taken,
        answered_at=row["answered_at"],
        reason=row["reason"],
        message=row["message"],
    )


def _vote(row: Any) -> Vote:
    return Vote(row.user_id, row.approve, row.at, row.reason, Remember(row.remember))


def _columns(stored: StoredApproval) -> dict[str, Any]:
    state, taken = stored.state, stored.state.taken
    return {
        "id": state.id,
        "gateway_id": state.gateway,
        "gateway": stored.gateway,
        "agent_id": state.agent,
        "agent": stored.agent,
        "connector": state.connector,
        "digest": state.digest,
        "held": msgspec.to_builtins(stored.held),
        "requirement": msgspec.to_builtins(state.requirement),
        "configuration": state.configuration,
        "excluded": list(state.excluded),
        "status": state.status.value,
        "raised_at": state.raised_at,
        "deadline": state.deadline,
        "expires_at": state.expires_at if state.is_open else None,
        "answered_at": state.answered_at,
        "reason": state.reason,
        "message": state.message,
        "taken_proxy": taken.proxy if taken else None,
        "taken_request": taken.request if taken else None,
        "taken_epoch": taken.epoch if taken else None,
        "outcome_status": stored.outcome_status,
        "outcome_latency_us": stored.outcome_latency_us,
    }
