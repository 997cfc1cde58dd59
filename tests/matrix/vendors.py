"""The vendors' doubles, with answers that come piece by piece and wait for the client to have seen the first piece."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import Final

from tameflare.demo.doubles.anthropic import Anthropic
from tameflare.demo.doubles.openai import OpenAI
from tameflare.demo.doubles.web import Answer, Request, Vendor
from tameflare.demo.keys import VendorKeys

PATIENCE: Final = 15.0
"""Seconds that an answer waits; then it ends without its rest."""


class Gate:
    """Shut until a client has told that it saw the first piece of an answer."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def passed(self) -> bool:
        """Wait; False where nobody opened it in time."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not self._open.is_set():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True


def gated(answer: Answer, gate: Gate, first: int) -> Answer:
    """The same answer, whose pieces after the `first` ones wait at the gate."""

    async def pieces() -> AsyncIterator[bytes]:
        assert answer.stream is not None
        at = 0
        async for piece in answer.stream:
            if at == first and not await gate.passed():
                return
            at += 1
            yield piece

    return replace(answer, stream=pieces())


class Gated:
    """A vendor whose streamed answers wait at a gate after `first` pieces."""

    def __init__(self, vendor: Vendor, gate: Gate, first: int) -> None:
        self._vendor, self._gate, self._first = vendor, gate, first
        self.hosts = vendor.hosts

    def authorised(self, request: Request) -> bool:
        return self._vendor.authorised(request)

    async def answer(self, request: Request) -> Answer:
        answer = await self._vendor.answer(request)
        return answer if answer.stream is None else gated(answer, self._gate, self._first)


def others(gate: Gate) -> Callable[[VendorKeys], Iterable[Vendor]]:
    """The doubles of the matrix: OpenAI's and Anthropic's streams stop after the first word until the gate opens."""

    def made(keys: VendorKeys) -> Iterable[Vendor]:
        return Gated(OpenAI(keys.openai), gate, 2), Gated(Anthropic(keys.anthropic), gate, 3)

    return made
