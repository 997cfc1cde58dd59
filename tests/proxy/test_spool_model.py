"""Spool and backlog together under any order of turns, full disks, crashes and half-heard answers."""

from __future__ import annotations

import resource
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.spooling import intent

from tameflare.link.messages import SpoolPosition
from tameflare.link.spool import decode, frame, payloads
from tameflare.proxy.backlog import Backlog
from tameflare.proxy.segments import segments
from tameflare.proxy.spool import Spool


class Deliveries(RuleBasedStateMachine):
    """`promised` are the records that flush took; the control plane must end with exactly these, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.promised: list[str] = []
        self.rows: list[str] = []
        self.positions: dict[str, int] = {}
        self.number = 0
        self.life = 0
        self.spool = self.open()
        self.backlog = Backlog(self.directory)

    def open(self) -> Spool:
        self.life += 1
        return Spool(self.directory, f"e{self.life}", max_bytes=1 << 30, segment_bytes=900)

    def turn(self, count: int) -> bool:
        wanted = []
        for _ in range(count):
            self.number += 1
            record = intent(self.number)
            self.spool.append(record)
            wanted.append(record.request_id)
        taken = self.spool.flush()
        if taken:
            self.promised += wanted
        return taken

    @rule(count=st.integers(1, 6))
    def a_turn(self, count: int) -> None:
        assert self.turn(count)

    @rule(count=st.integers(1, 6), room=st.integers(0, 700))
    def a_turn_on_a_full_disk(self, count: int, room: int) -> None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.spool._size + room, hard))
        try:
            self.turn(count)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    @rule(torn=st.integers(0, 200))
    def a_crash(self, torn: int) -> None:
        self.spool.close()
        with segments(self.directory)[-1].path.open("ab") as file:
            file.write(frame(intent(10**6))[:torn])
        self.spool = self.open()

    @rule()
    def another_shipper(self) -> None:
        self.backlog = Backlog(self.directory)

    @rule(share=st.floats(0, 1), heard=st.booleans())
    def a_delivery(self, share: float, heard: bool) -> None:
        batch = self.backlog.next_batch()
        if batch is None:
            return
        assert batch.sequence - self.positions.get(batch.epoch, 0) <= batch.missing, "a hole nobody accounts for"
        position = self.store(batch.epoch, batch.sequence, batch.data, round(batch.count * share))
        if heard:
            self.backlog.acknowledge(batch, SpoolPosition(batch.epoch, position))

    def store(self, epoch: str, sequence: int, data: bytes, count: int) -> int:
        position = self.positions.get(epoch, 0)
        found = [decode(payload).request_id for _, payload in payloads(data)]
        for at, request_id in enumerate(found[:count], start=sequence):
            if at >= position:
                self.rows.append(request_id)
                position = at + 1
        self.positions[epoch] = position
        return position

    @invariant()
    def nothing_is_doubled_or_out_of_order(self) -> None:
        assert self.rows == self.promised[: len(self.rows)]

    def teardown(self) -> None:
        while self.backlog.next_batch() is not None:
            self.a_delivery(1.0, True)
        assert self.rows == self.promised
        self.spool.close()
        shutil.rmtree(self.directory)


Deliveries.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestDeliveries = Deliveries.TestCase
