"""The unix socket of the proxy's own kill switches, for the proxy's user and root: the kernel says who is calling."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
from pathlib import Path
from typing import Final

import msgspec
import structlog

from tameflare.core.errors import TameFlareError
from tameflare.link.local import LONGEST_LINE, SOCKET_NAME, Answer, Ask, Refused, Told
from tameflare.proxy.local_switch import LocalSwitches
from tameflare.unix_socket import Peer, listen_privately, peer_of

log = structlog.get_logger(__name__)

ROOT: Final = 0
SECONDS: Final = 5.0
AT_A_TIME: Final = 32

_decoder = msgspec.json.Decoder(Ask)


class LocalSocket:
    """Where more callers come than are served at a time, the one who came first is cut: who means it needs a moment."""

    def __init__(self, directory: Path, switches: LocalSwitches) -> None:
        self._path = directory / SOCKET_NAME
        self._switches = switches
        self._open: dict[asyncio.StreamWriter, None] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises StartFault."""
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listen_privately(self._path), limit=LONGEST_LINE
        )

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while len(self._open) >= AT_A_TIME:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        self._open[writer] = None
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            async with asyncio.timeout(SECONDS):
                line = await reader.readline()
            writer.write(
                msgspec.json.encode(await self._answer(line, peer_of(writer.get_extra_info("socket")))) + b"\n"
            )
            async with asyncio.timeout(SECONDS):
                await writer.drain()
        self._open.pop(writer, None)
        writer.close()

    async def _answer(self, line: bytes, peer: Peer | None) -> Answer:
        if peer is None:
            return Refused("unsupported", "this system does not tell who is calling", "use the control plane's switch")
        if peer.uid not in (ROOT, os.geteuid()):
            log.warning("local kill switch refused", uid=peer.uid, pid=peer.pid)
            return Refused("forbidden", "this is for the proxy's user and root", "run it as one of them")
        try:
            return await self._carry_out(_decoder.decode(line), user_name(peer.uid))
        except msgspec.MsgspecError as fault:
            return Refused("invalid", str(fault))
        except TameFlareError as fault:
            return Refused(fault.code, fault.message, fault.help)

    async def _carry_out(self, ask: Ask, by: str) -> Told:
        if ask.do == "on":
            return await self._switches.throw(by, ask.scope, ask.reason)
        if ask.do == "off":
            return await self._switches.release(by, ask.scope, ask.reason)
        return self._switches.told()


def user_name(uid: int) -> str:
    """A user of this machine in words; the number stands for one without a name."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
