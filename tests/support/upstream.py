"""An upstream on local TLS that says exactly what a test wants, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import trustme

HEAD_END = b"\r\n\r\n"


class Talk:
    """One connection as the script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[bytes]) -> None:
        self.reader = reader
        self.writer = writer
        self._seen = seen

    async def head(self) -> bytes:
        """The next request's head, which the test may look at afterwards."""
        head = await self.reader.readuntil(HEAD_END)
        self._seen.append(head)
        return head

    async def body(self, size: int) -> bytes:
        return await self.reader.readexactly(size)

    async def chunked(self) -> bytes:
        """The payload of a chunked body."""
        payload = b""
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            piece = await self.reader.readexactly(size + 2)
            if not size:
                return payload
            payload += piece[:-2]

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def pause(self) -> None:
        """Let a little time pass, while something else is waited for."""
        await asyncio.sleep(0.005)

    async def gone(self) -> bytes:
        """Wait until the other side has closed; what it sent until then."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            return await self.reader.read()
        return b""

    def cut(self) -> None:
        """End the TCP stream without the end of TLS, as somebody on the way could."""
        self.writer.get_extra_info("socket").shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.writer.transport.abort()


Script = Callable[[Talk], Awaitable[None]]


def answer(body: bytes = b"hello", status: str = "200 OK", extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status.encode(), len(body), extra, body)


async def polite(talk: Talk) -> None:
    """Answers every request without a body, until the other side goes."""
    while True:
        await talk.head()
        await talk.say(answer())


@dataclass
class Upstream:
    """Runs `script` for every connection; `seen` holds the heads that it read, `connections` how many there were."""

    certificate: trustme.LeafCert
    script: Script = polite
    seen: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, ssl.SSLError):
            await self.script(Talk(reader, writer, self.seen))
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            await writer.wait_closed()

    @contextlib.asynccontextmanager
    async def _listening(self, encrypted: bool) -> AsyncIterator[None]:
        context = None
        if encrypted:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.certificate.configure_cert(context)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context, limit=1 << 22)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    @contextlib.contextmanager
    def running(self, *, encrypted: bool = True) -> Iterator[Upstream]:
        """Serve from a thread of its own."""
        ready, ended = threading.Event(), threading.Event()
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()

        async def main() -> None:
            async with self._listening(encrypted):
                ready.set()
                await stop.wait()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        def work() -> None:
            loop.run_until_complete(main())
            loop.close()
            ended.set()

        thread = threading.Thread(target=work)
        thread.start()
        assert ready.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            assert ended.wait(10)
            thread.join()
