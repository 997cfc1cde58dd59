"""Client-side TLS of the proxy: the MemoryBIO shell against `loop.start_tls`, on uvloop and on asyncio.

    python bench/spikes/tls_shell.py            all variants, a table in Markdown

Each variant is a server process of its own behind a CONNECT; CPU and memory are those of that process alone, so the
load generator costs it nothing. Wants Linux (/proc) and two cores.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import trustme
import uvloop

from tameflare.wire.heads import head_end
from tameflare.wire.sniff import FirstBytes, sniff
from tameflare.wire.tls import TlsFault, TlsShell

VARIANTS = [("shell", "uvloop"), ("start_tls", "uvloop"), ("shell", "asyncio"), ("start_tls", "asyncio")]
HOST = "api.example"
CONNECT = b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REQUEST, ANSWER = b"P" + b"q" * 349, b"a" * 500
BULK = 100 << 20
PIECE = bytes(64 << 10)
CONNECTIONS, ROUNDS = 16, 1500


class Application:
    """What is spoken inside: P pings of fixed size, U an upload, D a download, L an answer after the peer's end."""

    def __init__(self, send: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self.send = send
        self.close = close
        self.kind = b""
        self.count = 0
        self.paused = False

    def received(self, data: bytes) -> None:
        self.kind = self.kind or data[:1]
        self.count += len(data)
        if self.kind == b"P":
            while self.count >= len(REQUEST):
                self.count -= len(REQUEST)
                self.send(ANSWER)
        elif self.kind == b"U" and self.count >= BULK:
            self.send(b"done")
        elif self.kind == b"D":
            self.count = 0
            self.download()

    def download(self) -> None:
        while self.kind == b"D" and self.count < BULK and not self.paused:
            self.count += len(PIECE)
            self.send(PIECE)

    def flow(self, paused: bool) -> None:
        self.paused = paused
        if not paused:
            self.download()

    def ended(self) -> None:
        """The peer's direction ended; the answer of L comes a little later, as one from an upstream would."""
        if self.kind == b"L":
            asyncio.get_running_loop().call_later(0.05, self.answer)
        else:
            self.close()

    def answer(self) -> None:
        self.send(b"late answer")
        self.close()


class ShellServer(asyncio.Protocol):
    """CONNECT, first bytes and TLS in one protocol over the plain transport."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.head = b""
        self.shell: TlsShell | None = None
        self.established = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        self.application = Application(self.send, self.close)

    def send(self, plain: bytes) -> None:
        assert self.shell is not None
        self.transport.write(self.shell.send(plain))

    def close(self) -> None:
        if self.shell is not None:
            self.transport.write(self.shell.close())
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self.shell is None:
            data = self.plain(data)
        if self.shell is not None and data:
            self.encrypted(self.shell, data)

    def plain(self, data: bytes) -> bytes:
        """Reads the CONNECT, then looks at the first bytes; what belongs to the next layer is given back."""
        self.head += data
        if not self.established:
            end = head_end(self.head)
            if end < 0:
                return b""
            self.established, self.head = True, self.head[end:]
            self.transport.write(ESTABLISHED)
        first = sniff(self.head)
        if first is FirstBytes.TLS:
            self.shell = TlsShell(self.context, server_side=True)
        elif first is not FirstBytes.MORE:
            self.transport.write(f"this is {first.value}".encode())
            self.transport.close()
        return self.head

    def encrypted(self, shell: TlsShell, data: bytes) -> None:
        try:
            plain = shell.receive(data)
        except TlsFault:
            self.transport.write(shell.outgoing())
            self.transport.close()
            return
        out = shell.outgoing()
        if out:
            self.transport.write(out)
        if plain:
            self.application.received(plain)
        if shell.peer_closed:
            self.application.ended()

    def pause_writing(self) -> None:
        self.application.flow(True)

    def resume_writing(self) -> None:
        self.application.flow(False)


class Inside(asyncio.Protocol):
    """The application over the transport that start_tls made."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        self.application = Application(self.transport.write, self.transport.close)
        if self.early:
            self.application.received(self.early)

    def data_received(self, data: bytes) -> None:
        if self.transport is None:  # start_tls has not returned, so there is nothing to answer on yet
            self.early += data
        else:
            self.application.received(data)

    def eof_received(self) -> bool:
        self.application.ended()
        return True  # asks to keep it open; both loops answer that this has no effect under TLS

    def pause_writing(self) -> None:
        self.application.flow(True)

    def resume_writing(self) -> None:
        self.application.flow(False)


class StartTlsServer(asyncio.Protocol):
    """CONNECT on the plain transport, then the loop's own TLS; what came after the CONNECT cannot be put back."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.head += data
        if head_end(self.head) >= 0:
            self.transport.write(ESTABLISHED)
            self.task = asyncio.ensure_future(self.upgrade())

    async def upgrade(self) -> None:
        loop, inside = asyncio.get_running_loop(), Inside()
        with contextlib.suppress(OSError):
            transport = await loop.start_tls(self.transport, inside, self.context, server_side=True)
            if transport is not None and inside.transport is None:
                inside.connection_made(transport)


async def serve(kind: str, certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    make = ShellServer if kind == "shell" else StartTlsServer
    server = await asyncio.get_running_loop().create_server(lambda: make(context), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# ---- the load generator


class Server:
    """One variant in a process of its own."""

    def __init__(self, kind: str, loop: str, certificate: Path) -> None:
        command = [sys.executable, __file__, "serve", kind, loop, str(certificate)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def cpu(self) -> float:
        """Seconds of CPU used so far."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text("ascii").split()[0]) / 1e9

    def memory(self, line: str) -> float:
        """VmRSS (now) or VmHWM (the most so far) in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(status.partition(f"{line}:")[2].split()[0]) / 1024

    def tunnel(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=3)
        plain.sendall(CONNECT)
        while not plain.recv(4096).endswith(b"\r\n\r\n"):
            continue
        return plain

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def small(server: Server, context: ssl.SSLContext) -> list[str]:
    """Server CPU per message, and messages per second over 16 connections."""
    connections = [context.wrap_socket(server.tunnel(), server_hostname=HOST) for _ in range(CONNECTIONS)]
    cpu, start = server.cpu(), time.perf_counter()
    for _ in range(ROUNDS):
        for connection in connections:
            connection.send(REQUEST)
        for connection in connections:
            got = 0
            while got < len(ANSWER):
                got += len(connection.recv(4096))
    seconds, messages = time.perf_counter() - start, CONNECTIONS * ROUNDS
    return [f"{(server.cpu() - cpu) / messages * 1e6:.0f} us", f"{messages / seconds:,.0f}/s"]


def bulk(server: Server, context: ssl.SSLContext, kind: bytes) -> str:
    """Megabytes per second and server CPU for 100 MiB one way."""
    with context.wrap_socket(server.tunnel(), server_hostname=HOST) as connection:
        cpu, start = server.cpu(), time.perf_counter()
        if kind == b"U":
            connection.sendall(kind)
            for _ in range(BULK // len(PIECE)):
                connection.sendall(PIECE)
            connection.recv(16)
        else:
            connection.sendall(kind)
            got = 0
            while got < BULK:
                got += len(connection.recv(65536))
        seconds = time.perf_counter() - start
    return f"{BULK / 1e6 / seconds:.0f} MB/s ({(server.cpu() - cpu) * 1000:.0f} ms)"


def slow_reader(server: Server, context: ssl.SSLContext) -> None:
    """Lets the server meet back-pressure: nothing is read until its buffers are full."""
    with context.wrap_socket(server.tunnel(), server_hostname=HOST) as connection:
        connection.sendall(b"D")
        settled = 0.0
        while server.cpu() != settled:
            settled = server.cpu()
            time.sleep(0.3)
        got = 0
        while got < BULK:
            got += len(connection.recv(65536))


class Raw:
    """A client over MemoryBIO, which can put bytes in one packet and close one direction only."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.shell = TlsShell(context, server_side=False, server_hostname=HOST)

    def shake(self, plain: socket.socket) -> None:
        while not self.shell.handshaken:
            data = plain.recv(65536)
            if not data:
                raise ConnectionError
            self.shell.receive(data)
            plain.sendall(self.shell.outgoing())


def hello_with_connect(server: Server, context: ssl.SSLContext) -> str:
    client = Raw(context)
    with socket.create_connection(("127.0.0.1", server.port), timeout=2) as plain:
        plain.sendall(CONNECT + client.shell.outgoing())
        try:
            data = plain.recv(65536)
            rest = data[head_end(data) :]
            client.shell.receive(rest)
            plain.sendall(client.shell.outgoing())
            client.shake(plain)
        except (OSError, TlsFault) as fault:
            return f"no ({type(fault).__name__})"
    return "yes"


def sniffs(server: Server) -> str:
    with server.tunnel() as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            return "yes" if b"http" in plain.recv(4096) else "no"
        except OSError as fault:
            return f"no ({type(fault).__name__})"


def half_close(server: Server, context: ssl.SSLContext) -> str:
    client = Raw(context)
    with server.tunnel() as plain:
        plain.sendall(client.shell.outgoing())
        client.shake(plain)
        plain.sendall(client.shell.send(b"L") + client.shell.close())
        answer = b""
        with contextlib.suppress(OSError, TlsFault):
            while data := plain.recv(65536):
                answer += client.shell.receive(data)
    return "answer arrives" if answer == b"late answer" else "answer lost"


def measure(kind: str, loop: str, certificate: Path, context: ssl.SSLContext) -> list[str]:
    server = Server(kind, loop, certificate)
    try:
        row = [f"{kind}, {loop}", *small(server, context)]
        before = server.memory("VmRSS")
        row += [bulk(server, context, b"U"), bulk(server, context, b"D")]
        slow_reader(server, context)
        row.append(f"{before:.1f} / {server.memory('VmRSS'):.1f} / {server.memory('VmHWM'):.1f}")
        return [*row, hello_with_connect(server, context), sniffs(server), half_close(server, context)]
    finally:
        server.stop()


HEADINGS = [
    "variant", "CPU per message", "messages", "100 MiB up (CPU)", "100 MiB down (CPU)", "MiB before / after / peak",
    "ClientHello with CONNECT", "sees the first bytes", "half-close",
]  # fmt: skip


def rows(directory: Path) -> Iterator[list[str]]:
    authority = trustme.CA()
    certificate = directory / "server.pem"
    authority.issue_cert(HOST, key_type=trustme.KeyType.ECDSA).private_key_and_cert_chain_pem.write_to_path(certificate)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    for kind, loop in VARIANTS:
        yield measure(kind, loop, certificate, context)


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        _serve, kind, loop, certificate = sys.argv[1:]
        run = uvloop.run if loop == "uvloop" else asyncio.run
        with contextlib.suppress(KeyboardInterrupt):
            run(serve(kind, certificate))
        return
    print("| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS))
    with TemporaryDirectory() as directory:
        for row in rows(Path(directory)):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
