"""The proxy's side of its shipper child: starts it, hands it the link token over stdin, starts it again if it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Final

import msgspec

from tameflare.core.secret import Secret
from tameflare.proxy.shipper import LAST_DELIVERY_SECONDS, ShipperReport, ShipperSettings

# what a Python program needs to start and to verify a certificate; everything else may hold a secret
PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV")
FIRST_BACK_OFF: Final = 0.2
LONGEST_BACK_OFF: Final = 5.0


class Shipping:
    """`await run()` until cancelled; then the child gets a few seconds to deliver the rest and is ended."""

    def __init__(self, server: str, token: Secret, directory: Path, *, poll_seconds: float = 0.1) -> None:
        self._settings = ShipperSettings(server, token.reveal(), str(directory), poll_seconds)
        self._delivered_before = 0
        self._report = ShipperReport(0, 0)
        self._crashed = False
        self.pid = 0

    @property
    def delivered(self) -> int:
        """Records delivered since this proxy started."""
        return self._delivered_before + self._report.delivered

    @property
    def waiting_bytes(self) -> int:
        """Bytes of records that are not delivered, as the child last said."""
        return self._report.waiting_bytes

    @property
    def problem(self) -> str:
        """Why records are not delivered; empty if they are."""
        return "the shipper stopped and is started again" if self._crashed else self._report.problem

    async def run(self) -> None:
        back_off = FIRST_BACK_OFF
        while True:
            before = self.delivered
            with contextlib.suppress(OSError):  # no file handle or memory for a child; another attempt follows
                await self._one_child()
            self._crashed = True
            self._delivered_before, self._report = self.delivered, ShipperReport(0, self._report.waiting_bytes)
            back_off = FIRST_BACK_OFF if self.delivered > before else min(back_off * 2, LONGEST_BACK_OFF)
            await asyncio.sleep(back_off)

    async def _one_child(self) -> None:
        """Start a child and follow it to its end; end it when cancelled."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "tameflare.proxy.shipper",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        )
        self.pid = child.pid
        try:
            await self._follow(child)
        finally:
            await asyncio.shield(_end(child))

    async def _follow(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(msgspec.json.encode(self._settings) + b"\n")
        async for line in child.stdout:
            self._report = msgspec.json.decode(line, type=ShipperReport)
            self._crashed = False


async def _end(child: asyncio.subprocess.Process) -> None:
    """Close its stdin, which asks it to finish; kill it if it does not."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), LAST_DELIVERY_SECONDS + 2)
    except TimeoutError:
        child.kill()
        await child.wait()
