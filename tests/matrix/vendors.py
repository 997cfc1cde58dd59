"""The vendors' doubles, with answers that come piece by piece and wait for the client to have seen the first piece."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.matrix.doubles.aws import Aws
from tests.matrix.doubles.google import Google
from tests.matrix.doubles.lfs import Lfs
from tests.matrix.doubles.npm import Registry
from tests.matrix.doubles.pypi import PyPI
from tests.matrix.doubles.tools import Tools
from tests.support import doubles

from tameflare.demo.doubles.anthropic import Anthropic
from tameflare.demo.doubles.ledger import Ledger
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


class Gated:
    """A vendor whose streamed answers wait at a gate after `first` pieces."""

    def __init__(self, vendor: Vendor, gate: Gate, first: int) -> None:
        self._vendor, self._gate, self._first = vendor, gate, first
        self.hosts = vendor.hosts

    def authorised(self, request: Request) -> bool:
        return self._vendor.authorised(request)

    async def answer(self, request: Request) -> Answer:
        answer = await self._vendor.answer(request)
        return answer if answer.stream is None else replace(answer, stream=self._slow(answer.stream))

    async def _slow(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        at = 0
        async for piece in pieces:
            if at == self._first and not await self._gate.passed():
                return
            at += 1
            yield piece


@dataclass(frozen=True)
class Doubled:
    """The running doubles, their gate, and the real credential of each connector by its name."""

    vendors: doubles.Vendors
    gate: Gate
    keys: dict[str, str]

    @property
    def ledger(self) -> Ledger:
        return self.vendors.ledger


@dataclass
class Secrets:
    """Keys that only the matrix knows. `aws` is what the program itself must sign with: an id and a secret."""

    google: str = field(default_factory=lambda: "AIza" + secrets.token_hex(18))
    tools: str = field(default_factory=lambda: secrets.token_hex(18))
    npm: str = field(default_factory=lambda: "npm_" + secrets.token_hex(18))
    pypi: str = field(default_factory=lambda: "pypi-" + secrets.token_hex(18))
    aws: str = field(default_factory=lambda: secrets.token_hex(20))


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Doubled]:
    """All doubles of the matrix. The streams of OpenAI and Anthropic stop after the first word until the gate opens."""
    gate, mine = Gate(), Secrets()

    def others(keys: VendorKeys) -> Iterable[Vendor]:
        yield Gated(OpenAI(keys.openai), gate, 2)
        yield Gated(Anthropic(keys.anthropic), gate, 3)
        yield Gated(Google(mine.google), gate, 1)
        yield Gated(Tools(mine.tools), gate, 1)
        yield Gated(Aws(mine.aws), gate, 1)
        yield Registry(mine.npm)
        yield PyPI(mine.pypi)
        yield Lfs(keys.github)

    with doubles.running(directory, others) as vendors:
        keys = {**vendors.keys.all(), "google": mine.google, "tools": mine.tools, "npm": mine.npm, "aws": mine.aws}
        keys["enterprise"] = keys["github"]
        keys |= dict.fromkeys(("pypi", "wheels", "mirror"), mine.pypi)
        yield Doubled(vendors, gate, keys)
