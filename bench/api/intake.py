"""Records of a proxy that come in meanwhile: so many requests a second, each with its intent and its outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import count
from typing import Final

from bench.api.plant import Plant
from tameflare.core.errors import TameFlareError
from tameflare.link.messages import RECORDS_PATH, Intent, Outcome, RecordedAction
from tameflare.link.spool import frame

BATCHES_PER_SECOND: Final = 4
_runs = count()


class Intake:
    """`sent` requests were taken in by the server so far."""

    def __init__(self, plant: Plant, per_second: int) -> None:
        self.sent = 0
        self.fault = ""
        self._plant = plant
        self._size = per_second // BATCHES_PER_SECOND
        self._epoch = f"bench{next(_runs)}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._deliver)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _deliver(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._plant.port, timeout=30)
        begin = time.monotonic()
        for number in count():
            body = self._batch()
            if self._over.wait(max(0.0, begin + number / BATCHES_PER_SECOND - time.monotonic())):
                break
            headers = {
                "Authorization": f"Bearer {self._plant.link}",
                "X-TameFlare-Epoch": self._epoch,
                "X-TameFlare-Sequence": str(self.sent * 2),
            }
            connection.request("POST", RECORDS_PATH, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                self.fault = text.decode(errors="replace")
                break
            self.sent += self._size
        connection.close()

    def _batch(self) -> bytes:
        parts = []
        for number in range(self.sent, self.sent + self._size):
            request_id = f"{self._epoch}-{number}"
            parts += [frame(self._intent(request_id)), frame(Outcome(request_id, 200, 83_211, 140, 312, 1841))]
        return b"".join(parts)

    def _intent(self, request_id: str) -> Intent:
        return Intent(
            request_id=request_id,
            time=time.time(),
            gateway=self._plant.gateway,
            agent=self._plant.agent,
            run="run_bench",
            connector="github",
            actions=(RecordedAction("github.pr.get", "low", "read", {}),),
            method="GET",
            scheme="https",
            host="api.github.com",
            port=443,
            path="/repos/octo/hello/pulls/7",
            content_type="",
            user_agent="PyGithub/2.6",
            verdict="allow",
            reason="rule_allow",
            message="allowed by an access rule",
            matched=("rule github.*",),
            would_be="allow",
            level="full_enforce",
            flags=(),
            configuration=42,
        )


@contextmanager
def taking_in(plant: Plant, per_second: int) -> Iterator[Intake]:
    """Raises TameFlareError where the server did not take a batch."""
    intake = Intake(plant, per_second)
    intake.start()
    try:
        yield intake
    finally:
        intake.stop()
    if intake.fault:
        raise TameFlareError("records were not taken in", intake.fault)
