"""Taking in the records that proxies deliver: each is stored once, however often it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec
import structlog

from tameflare.control.services import audit
from tameflare.control.services.audit import Actor
from tameflare.control.services.bell import Bell
from tameflare.control.store.traffic import TOPIC, Delivery, TrafficStore
from tameflare.control.store.traffic_write import Rows
from tameflare.core.decision import Reason
from tameflare.core.errors import TameFlareError
from tameflare.link.messages import Intent, Outcome, Record, SpoolPosition
from tameflare.link.spool import decode, payloads

MAX_BODY: Final = 16 << 20
_LARGEST: Final = (1 << 63) - 1
_LATEST: Final = 1e11
_log = structlog.get_logger("tameflare.intake")


class SequenceGap(TameFlareError):
    """A batch that begins after what is stored; `position` is where to go on."""

    code = "sequence_gap"

    def __init__(self, position: SpoolPosition, sequence: int) -> None:
        super().__init__(
            f"record {position.sequence} of epoch `{position.epoch}` is expected, record {sequence} came",
            "send again from the expected one",
        )
        self.position = position


class Batch(NamedTuple):
    """What a proxy sends: frames of `epoch` from `sequence` on. `missing` frames just before them it no longer has."""

    epoch: str
    sequence: int
    body: bytes
    missing: int = 0


class Intake:
    """`arrivals` rings when records were stored. Each of `tell` is told of each delivery before it is stored.

    Everything is decided in the transaction that stores the rows, so that no crash leaves one without the other.
    """

    def __init__(self, traffic: TrafficStore, *tell: Callable[[Delivery], Awaitable[None]]) -> None:
        self._traffic = traffic
        self._hear = tell
        self.arrivals = Bell()
        traffic.database.subscribe(TOPIC, self.arrivals.ring)

    def close(self) -> None:
        """Answer everybody who waits for records: call it when the server begins to stop."""
        self.arrivals.close()

    async def receive(self, proxy: str, batch: Batch, served: frozenset[str] | None = None) -> SpoolPosition:
        """Store what is new of a batch and say where this proxy stands.

        Records of gateways other than `served` (ids; None: it serves all) are kept aside, where nobody takes them for
        what happened. Frames before the position are skipped. From a damaged frame on the rest is left out: the
        answer tells the sender where to go on. Raises SequenceGap where frames between position and batch are not
        accounted for, and DatabaseUnavailable; nothing of the batch is stored then.
        """
        while True:
            position = await self._traffic.position(proxy, batch.epoch)
            missing = self._check(position, batch)
            start = max(position, batch.sequence)
            delivery = await asyncio.to_thread(_decode, proxy, batch, start, missing, served)
            for hear in self._hear:
                await hear(delivery)
            if delivery.count == 0 or await self._traffic.store(delivery):
                stored = delivery.sequence + delivery.count if delivery.count else position
                self._tell(delivery)
                return SpoolPosition(batch.epoch, stored)

    def _check(self, position: int, batch: Batch) -> int:
        """How many frames are missing for good between the position and the batch."""
        gap = max(0, batch.sequence - position)
        if gap > batch.missing:
            raise SequenceGap(SpoolPosition(batch.epoch, position), batch.sequence)
        return gap

    def _tell(self, delivery: Delivery) -> None:
        told = _log.bind(proxy=delivery.proxy, epoch=delivery.epoch, sequence=delivery.sequence)
        if delivery.missing:
            told.warning("records_missing", count=delivery.missing)
        if delivery.foreign:
            told.warning("records_of_other_gateways", count=delivery.foreign)
        if len(delivery.unreadable) > delivery.foreign:
            told.warning("records_unreadable", count=len(delivery.unreadable) - delivery.foreign)
        for intent in delivery.rows.intents.values():
            if intent.reason == Reason.LOCAL_KILL_SWITCH:
                actor = Actor(delivery.proxy, "proxy")
                audit.record("kill_switch.switched_locally", actor, message=intent.message, at=intent.time)


def _decode(proxy: str, batch: Batch, start: int, missing: int, served: frozenset[str] | None) -> Delivery:
    """The frames of a batch from sequence `start` on."""
    records: list[Record] = []
    unreadable: list[tuple[int, bytes]] = []
    sequence, foreign = batch.sequence, 0
    for _end, payload in payloads(batch.body):
        if sequence >= start:
            record = _record(payload)
            strange = record is not None and not _is_of(record, served)
            foreign += strange
            if record is None or strange:
                unreadable.append((sequence, bytes(payload)))
            else:
                records.append(record)
        sequence += 1
    count = max(0, sequence - start)
    return Delivery(proxy, batch.epoch, start, count, Rows(records), unreadable, missing, foreign)


def _is_of(record: Record, served: frozenset[str] | None) -> bool:
    """Whether the proxy may tell of it. An outcome only adds to what the same proxy has told; a refusal before it was
    clear who asks has no gateway."""
    return served is None or not isinstance(record, Intent) or record.gateway in served or not record.gateway


def _record(payload: memoryview) -> Record | None:
    """The record in a payload; None where it is none, or holds numbers that no database takes."""
    try:
        record = decode(payload)
    except msgspec.MsgspecError:
        return None
    numbers = [record.status, record.overhead_us, record.bytes_in, record.bytes_out]
    if isinstance(record, Outcome):
        numbers.append(record.latency_us)
    else:
        if not 0 <= record.time < _LATEST:
            return None
        numbers += (record.port, record.configuration)
    return record if min(numbers) >= 0 and max(numbers) <= _LARGEST else None
