"""Takes jobs from the feed and carries them out: judged, claimed, judged again, put on record, sent once.

A job that is refused before it is claimed was never begun. From the claim on it happens at most once, and whatever
becomes of it is told; where nothing can be told any more, the control plane says that nobody knows.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from tameflare.link.executions import Carried, Claim, Job
from tameflare.link.messages import ExecuteJob
from tameflare.proxy.context import Context
from tameflare.proxy.execution import Execution
from tameflare.proxy.job_link import JobLink
from tameflare.proxy.job_request import prepare
from tameflare.proxy.refusal import Refusal

log = structlog.get_logger(__name__)

STOP_SECONDS: Final = 2.0
"""For so long a stop waits for outcomes to be told."""


class Executor:
    """`epoch` names the life of this process."""

    def __init__(self, context: Context, link: JobLink, epoch: str) -> None:
        self._context = context
        self._link = link
        self._epoch = epoch
        self._under_way: set[asyncio.Task[None]] = set()

    def take(self, message: ExecuteJob) -> None:
        """A handler of the feed: the same message may come more than once."""
        if self._context.stopping or self._context.state.clock() >= message.until:
            return
        task = self._context.tasks.start(self._work(message.job))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Let outcomes be told that are known."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=STOP_SECONDS)
        await self._link.close()

    async def _work(self, job_id: str) -> None:
        job = await self._link.fetch(job_id)
        if job is None:
            return
        request_id = self._context.state.new_request_id(self._context.state.clock())
        found = prepare(job, request_id, self._context.state)
        if isinstance(found, Refusal):
            await self._link.tell(job_id, _not_sent(request_id, found))
            return
        claimed = await self._link.claim(job_id, Claim(request_id, self._epoch))
        if claimed is not None and claimed.granted:
            await self._link.tell(job_id, await self._carry_out(job, request_id))

    async def _carry_out(self, job: Job, request_id: str) -> Carried:
        """Judged again: something may have changed while it was claimed. Until the record nothing is waited for."""
        exchange = prepare(job, request_id, self._context.state)
        if isinstance(exchange, Refusal):
            log.warning("a claimed job is not sent", job=job.job, reason=exchange.reason.value)
            return _not_sent(request_id, exchange)
        return await Execution(exchange, self._context).run(job.seconds)


def _not_sent(request_id: str, refusal: Refusal) -> Carried:
    return Carried(request_id, False, refusal.reason.value, refusal.message)
