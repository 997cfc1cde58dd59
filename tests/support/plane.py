"""A real proxy process with a control plane that is only its end of the link, and a raw client."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.support import link_server
from tests.support.nested import inside
from tests.support.snapshots import PROXY, feed
from tests.support.waiting import PATIENCE, wait_for

from tameflare.core.access import AccessRule
from tameflare.core.config import (
    AgentConfig,
    AuthScheme,
    Configuration,
    ConnectorConfig,
    CredentialMode,
    GatewayConfig,
    ProxyToken,
)
from tameflare.core.decision import Verdict
from tameflare.link.messages import Bundle, Intent, OpenCredential, Outcome
from tameflare.link.seal import bundle_key, seal_snapshot
from tameflare.link.tokens import TokenKind, digest, new_token

T = TypeVar("T")
HOST = "api.example.test"
RAW = "raw.example.test"
CANARY = "canary-credential-0123456789abcdef"
POLL_SECONDS = 1.0
IN_TLS = {"TF_PROXY_TLS_NAMES": "proxy.example", "TF_PROXY_TLS_PORT": "0", "TF_PROXY_TLS_HOST": "127.0.0.1"}
"""A second listener, in TLS."""


def connector(name: str = "service", **options: Any) -> ConnectorConfig:
    """A generic connector for HOST with a bearer credential, unless the options say otherwise."""
    options.setdefault("domains", (HOST,))
    options.setdefault("auth", AuthScheme.BEARER)
    return ConnectorConfig(f"id-{name}", name, options.pop("type", "generic"), **options)


def rules(*written: tuple[str, str, Verdict]) -> tuple[AccessRule, ...]:
    return tuple(AccessRule(f"r{at}", *parts) for at, parts in enumerate(written))


ALLOW_ALL = rules(("service", "**", Verdict.ALLOW))


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A connection to the proxy, in plain bytes or inside TLS."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = bytearray()
        self._one_at_a_time = threading.Lock()

    def send(self, data: bytes) -> None:
        if not isinstance(self.sock, ssl.SSLSocket):
            self.sock.sendall(data)
            return
        left = memoryview(data)
        while left:
            piece = left[:65536]
            left = left[self._turn(lambda piece=piece: self.sock.send(piece)) :]

    def more(self) -> bytes:
        if isinstance(self.sock, ssl.SSLSocket):
            data = self._turn(lambda: self.sock.recv(65536))
        else:
            data = self.sock.recv(65536)
        self._buffer += data
        return data

    def _turn(self, call: Callable[[], T]) -> T:
        """A call that would wait gives way meanwhile: OpenSSL's connections are not for two threads at once."""
        while True:
            with self._one_at_a_time:
                patience = self.sock.gettimeout()
                self.sock.settimeout(0)
                try:
                    return call()
                except (ssl.SSLWantReadError, BlockingIOError):  # the second once our end of TLS was shut down
                    reads, writes = [self.sock], []
                except ssl.SSLWantWriteError:
                    reads, writes = [], [self.sock]
                finally:
                    self.sock.settimeout(patience)
            if not any(select.select(reads, writes, [], patience)):
                raise TimeoutError("nothing came or went")

    def rest(self) -> bytes:
        """Everything until the end of the stream; a reset counts as its end."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while self.more():
                pass
        return self.take_all()

    def take_all(self) -> bytes:
        """What has come and was not looked at yet."""
        return self._taken(len(self._buffer))

    def _taken(self, size: int) -> bytes:
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self.more():
                raise EOFError(bytes(self._buffer))
        return self._taken(size)

    def until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            if not self.more():
                raise EOFError(bytes(self._buffer))
        return self.take(self._buffer.index(mark) + len(mark))

    def head(self) -> Reply:
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        return Reply(int(lines[0].split(" ")[1]), headers, b"")

    def reply(self, method: str = "GET") -> Reply:
        """One whole response."""
        reply = self.head()
        if method == "HEAD" or reply.status in (204, 304) or reply.status < 200:
            return reply
        if reply.headers.get("transfer-encoding") == "chunked":
            pieces = []
            while size := int(self.until(b"\r\n"), 16):
                pieces.append(self.take(size + 2)[:-2])
            reply.body = b"".join(pieces)
            assert self.take(2) == b"\r\n"
        elif "content-length" in reply.headers:
            reply.body = self.take(int(reply.headers["content-length"]))
        else:
            reply.body = self.rest()
        return reply

    def get(self, path: str = "/", extra: bytes = b"", method: str = "GET", host: str = HOST) -> Reply:
        self.send(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n".encode() + extra + b"\r\n")
        return self.reply(method)

    def close(self) -> None:
        self.sock.close()


@dataclass
class Plane:
    """The proxy, and what it needs to be told. `log` is what it wrote on stderr. `outer`: in TLS."""

    directory: Path
    authority: trustme.CA
    link: link_server.LinkServer
    token: str = field(default_factory=lambda: new_token(TokenKind.PROXY))
    key: bytes = field(default_factory=lambda: os.urandom(32))
    port: int = 0
    tls_port: int = 0
    outer: bool = False
    process: subprocess.Popen[bytes] | None = None
    version: int = 0
    signer: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    _superseded: threading.Event = field(default_factory=threading.Event)
    _wires: list[Wire] = field(default_factory=list)

    # --- the control plane's part

    def publish(self, gateway: GatewayConfig, credentials: dict[str, str] | None = None, **configuration: Any) -> None:
        """A new version; returns when the proxy serves it (where it runs).

        The version is added to each credential, so that no version uses the upstream connections of another.
        """
        self.version += 1
        config = Configuration(self.version, 1_700_000_000, gateways=(gateway,), **configuration)
        sealed = tuple(
            OpenCredential(f"id-{name}", f"{value}-{self.version}") for name, value in (credentials or {}).items()
        )
        bundle = Bundle(0, "", b"", self.key, sealed)
        snapshot = seal_snapshot(
            config, bundle, self.signer, bundle_key(link_server.TOKEN, PROXY), PROXY, os.urandom(12)
        )
        version, older = self.version, self._superseded
        self._superseded = threading.Event()

        def answer(cursor: int, superseded: threading.Event = self._superseded) -> bytes:
            if cursor < version:
                return feed(version, snapshot)
            superseded.wait(POLL_SECONDS)
            return feed(version)

        self.link.feed = answer
        older.set()
        if self.process is not None:
            wait_for(lambda: self.health()["configuration"]["version"] == version, "the proxy serves the new version")

    def gateway(self, *connectors: ConnectorConfig, **options: Any) -> GatewayConfig:
        options.setdefault("rules", ALLOW_ALL)
        options.setdefault("agents", (AgentConfig("agent-1", "default"), AgentConfig("agent-2", "worker")))
        options.setdefault("rate_limit_per_minute", 1_000_000)
        token = ProxyToken("token-1", digest(self.token, self.key))
        return GatewayConfig("gateway-1", "main", tokens=(token,), connectors=connectors or (connector(),), **options)

    def simple(self, **options: Any) -> None:
        """One connector for HOST that allows everything."""
        self.publish(self.gateway(**options), {"service": CANARY})

    # --- the process

    def start(self, pins: str = "", **environment: str) -> None:
        if self.outer:
            environment = {**IN_TLS, **environment}
        folder = self.directory / "data" / "proxy"
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        (self.directory / "data").chmod(0o700)
        authority = self.directory / "upstream-ca.pem"
        self.authority.cert_pem.write_to_path(str(authority))
        settings = {
            "PATH": os.environ["PATH"],
            "TF_DATA_DIR": str(self.directory / "data"),
            "TF_SERVER_URL": self.link.url,
            "TF_LINK_TOKEN": link_server.TOKEN,
            "TF_PROXY_PORT": "0",
            "TF_UPSTREAM_CA": str(authority),
            "TF_RESOLVE": pins,
            **environment,
        }
        written = len(self.log)
        with (self.directory / "log").open("ab") as log:
            command = [sys.executable, "-m", "tameflare.proxy"]
            self.process = subprocess.Popen(command, env=settings, stderr=log, stdin=subprocess.DEVNULL)
        wanted = _listeners(environment)
        found = wait_for(lambda: self._listening(written, wanted), "the proxy listens")
        self.port, self.tls_port = found.get("false", 0), found.get("true", 0)
        if self.version:
            wait_for(lambda: self.health()["configuration"]["version"] == self.version, "the proxy is configured")

    def _listening(self, written: int, wanted: set[str]) -> dict[str, int]:
        """The port by whether it speaks TLS, once all are there."""
        lines = re.findall(r'"port": (\d+), "tls": (true|false)', self.log[written:])
        found = {tls: int(port) for port, tls in lines}
        return found if wanted <= found.keys() else {}

    @property
    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    # --- clients

    def header(self, user: str | None = None, password: str = "") -> bytes:
        pair = f"{self.token if user is None else user}:{password}".encode()
        return b"Proxy-Authorization: Basic " + base64.b64encode(pair) + b"\r\n"

    def secured(self, name: str = "localhost", context: ssl.SSLContext | None = None) -> Wire:
        """A connection to the TLS listener, its certificate verified for `name`."""
        wire = Wire(socket.create_connection(("127.0.0.1", self.tls_port), PATIENCE))
        self._wires.append(wire)
        wire.sock = (context or self.context()).wrap_socket(wire.sock, server_hostname=name)
        return wire

    def plain(self) -> Wire:
        if self.outer:
            return self.secured()
        wire = Wire(socket.create_connection(("127.0.0.1", self.port), PATIENCE))
        self._wires.append(wire)
        return wire

    def hang_up(self) -> None:
        """Close every connection that was opened through here."""
        while self._wires:
            self._wires.pop().close()

    def connect(self, host: str = HOST, port: int = 443, header: bytes | None = None) -> Wire:
        """A tunnel, opened, with nothing said inside."""
        wire = self.plain()
        target = f"{host}:{port}".encode()
        credential = self.header() if header is None else header
        wire.send(b"CONNECT " + target + b" HTTP/1.1\r\nHost: " + target + b"\r\n" + credential + b"\r\n")
        assert wire.head().status == 200
        return wire

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.directory / "data" / "proxy" / "ca.pem"))

    def tunnel(self, host: str = HOST, port: int = 443, sni: str | None = None, header: bytes | None = None) -> Wire:
        """A tunnel with TLS inside."""
        context = self.context()
        context.check_hostname = sni is None or sni == host
        wire = self.connect(host, port, header)
        wire.sock = inside(wire.sock, context, sni or host)
        return wire

    def health(self) -> Any:
        wire = self.plain() if self.port else self.secured()
        with contextlib.closing(wire):
            return wire.get("/health", host="localhost").json

    def metric(self, name: str) -> float:
        """The value of a metric without labels, by its name without our prefix."""
        wire = self.plain() if self.port else self.secured()
        with contextlib.closing(wire):
            page = wire.get("/metrics", host="localhost").body.decode()
        return float(re.findall(rf"^tameflare_{name} (\S+)$", page, re.MULTILINE)[0])

    # --- records

    @property
    def records(self) -> list[Intent | Outcome]:
        """What was delivered, in order."""
        return self.link.kept.copy()

    def intents(self) -> list[Intent]:
        return [record for record in self.records if isinstance(record, Intent)]

    def outcomes(self) -> list[Outcome]:
        return [record for record in self.records if isinstance(record, Outcome)]

    def recorded(self, request_id: str) -> tuple[Intent, Outcome | None]:
        """The records of one request, once they are delivered and complete."""

        def find() -> tuple[Intent, Outcome | None] | None:
            intent = next((entry for entry in self.intents() if entry.request_id == request_id), None)
            outcome = next((entry for entry in self.outcomes() if entry.request_id == request_id), None)
            done = intent is not None and (intent.final or outcome is not None)
            return (intent, outcome) if intent is not None and done else None

        return wait_for(find, f"request {request_id} is on record")


def _listeners(environment: dict[str, str]) -> set[str]:
    """Whether plain ones and such in TLS are to be expected, as the log writes it."""
    tls = {"true"} if environment.keys() & {"TF_PROXY_TLS_NAMES", "TF_PROXY_TLS_CERT"} else set()
    return tls | {"false"} if not tls or "TF_PROXY_TLS_PORT" in environment else tls


def credential_none(**options: Any) -> ConnectorConfig:
    return connector(credential=CredentialMode.NONE, **options)


@contextlib.contextmanager
def plane(directory: Path) -> Iterator[Plane]:
    """A plane that is not yet started; whatever runs at the end is stopped."""
    link = link_server.LinkServer()
    link.start()
    made = Plane(directory, trustme.CA(), link)
    try:
        yield made
    finally:
        made.hang_up()
        if made.process is not None:
            made.stop()
        link.stop()
