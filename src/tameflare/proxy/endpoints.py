"""The proxy's own pages on its own port: health, metrics, the CA certificate, the sessions of `tf run`, and the way to
the decision API."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from tameflare import __version__
from tameflare.core.config import DEFAULT_AGENT
from tameflare.link.tokens import digest
from tameflare.proxy import answers, passage, turned_away
from tameflare.proxy.context import Context
from tameflare.proxy.identity import basic_pair
from tameflare.proxy.metrics import CONTENT_TYPE
from tameflare.proxy.rounds import go_round
from tameflare.proxy.routing import ServedGateway
from tameflare.proxy.runs import Run
from tameflare.wire.framer import FramingFault, request_framer
from tameflare.wire.heads import RequestHead
from tameflare.wire.target import TargetFault, normalise_host, parse_authority

LARGEST_BODY: Final = 64 * 1024
LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))
_SESSION: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
    b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
)


class EndpointConnection(Protocol):
    """The connection that asks; `deadline` on the monotonic clock, 0 for none."""

    deadline: float

    def send(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def belongs_to(self, agent: str) -> bool:
        """Count the connection as one of the agent's; False where it has as many as it may."""


class RunRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What `tf run` asks for: the agent it runs as, and a name for the run."""

    agent: str = ""
    name: str = ""
    command: str = ""


class Endpoint:
    """One request to the proxy itself. All but a run's session end with their answer."""

    def __init__(self, connection: EndpointConnection, context: Context, head: RequestHead) -> None:
        self._connection = connection
        self._context = context
        self._head = head
        self._framer = request_framer(head)
        self._body = bytearray()
        self._run: Run | None = None
        self._answered = False
        self._call_off: Callable[[], object] | None = None
        self._passes = head.target.startswith(passage.PREFIX)
        self._most = passage.LARGEST_BODY if self._passes else LARGEST_BODY

    def feed(self, data: bytes) -> None:
        if self._answered:
            return
        try:
            if self._framer is not None:
                self._body += self._framer.feed(data)
        except FramingFault as fault:
            self._answer(answers.plain(400, "bad_request", str(fault)))
            return
        if len(self._body) > self._most:
            self._answer(answers.plain(413, "body_too_large", f"the body is over {self._most // 1024} KiB"))
        elif self._framer is None or self._framer.done:
            self._respond()

    def lost(self) -> None:
        """The session of a run is its connection; a request that is passed on ends with it as well."""
        if self._run is not None:
            self._context.runs.end(self._run)
        if self._call_off is not None:
            self._call_off()

    def _answer(self, answer: bytes) -> None:
        self._answered, self._call_off = True, None
        if self._head.method == "HEAD":
            answer = answer[: answer.index(b"\r\n\r\n") + 4]
        self._connection.send(answer)
        self._connection.close()

    def _respond(self) -> None:
        self._connection.deadline = 0.0
        if not self._is_own_host():
            self._answer(answers.plain(421, "host_mismatch", "this is a proxy; set HTTPS_PROXY instead"))
            return
        path = self._head.target.partition("?")[0]
        if self._passes:
            self._answered = True
            self._call_off = self._context.passage.go(self._head, bytes(self._body), self._answer)
        elif self._head.method == "POST" and path == "/run":
            self._start_run()
        elif path.startswith("/run/") and self._head.method in ("GET", "DELETE"):
            self._report_run(path.removeprefix("/run/"))
        elif self._head.method in ("GET", "HEAD"):
            self._show(path)
        else:
            self._answer(answers.plain(405, "method_not_allowed", "use GET"))

    def _is_own_host(self) -> bool:
        """Pages must not be reachable through a name that somebody points at this port."""
        with contextlib.suppress(TargetFault):
            host = normalise_host(parse_authority(self._head.host or "").host)
            return host in LOOPBACK or host in self._context.own_hosts
        return False

    # --- pages

    def _show(self, path: str) -> None:
        if path == "/health":
            body = msgspec.json.encode(self._context.health())
            self._answer(answers.document("application/json", body, keep=False))
        elif path == "/metrics":
            self._answer(answers.document(CONTENT_TYPE, self._context.metrics.render(), keep=False))
        elif path == "/ca.pem":
            pem = self._context.authority.certificate_pem
            self._answer(answers.document("application/x-pem-file", pem, keep=False))
        else:
            message = f"TameFlare proxy {__version__} serves /health, /metrics and /ca.pem here"
            self._answer(answers.plain(404, "not_found", message))

    # --- runs

    def _gateway(self) -> tuple[ServedGateway, str] | None:
        """The gateway that the request shows a proxy token of, and that token's digest; None where it shows none."""
        served, header = self._context.state.served, self._head.proxy_authorization
        pair = basic_pair(header) if header is not None else None
        if pair is None or served is None:
            return None
        token = pair[1] or pair[0]
        gateway = self._context.authenticator.gateway_of(served, token)
        return None if gateway is None else (gateway, digest(token, served.token_key))

    def _start_run(self) -> None:
        try:
            asked = msgspec.json.decode(bytes(self._body) or b"{}", type=RunRequest)
        except msgspec.MsgspecError as fault:
            self._answer(answers.plain(400, "bad_request", str(fault)))
            return
        shown = self._gateway()
        if shown is None:
            self._unauthenticated()
            return
        gateway, opened_by = shown
        agent = asked.agent or DEFAULT_AGENT
        found = gateway.compiled.agents.get(agent)
        if found is None or not found.active:
            message = f"gateway `{gateway.compiled.name}` has no active agent `{agent}`"
            self._answer(answers.plain(404, "unknown_agent", message))
            return
        if not self._connection.belongs_to(found.id):
            limit = turned_away.too_many_tunnels(self._context)
            self._answer(answers.plain(limit.status, limit.reason.value, limit.message))
            return
        token, self._run = self._context.runs.start(gateway.compiled.id, agent, asked.name, opened_by)
        self._answered = True
        line = self._first_line(gateway, self._run, token)
        self._connection.send(_SESSION + b"%x\r\n" % len(line) + line + b"\r\n")

    def _first_line(self, gateway: ServedGateway, run: Run, token: str) -> bytes:
        """What a session begins with; nothing follows it."""
        line = {
            "token": token,
            "run": run.id,
            "agent": run.agent_name,
            "gateway": gateway.compiled.name,
            "connectors": [{"name": binding.name, "type": binding.type} for binding in gateway.bindings],
            "ca_pem": self._context.authority.certificate_pem.decode(),
        }
        return msgspec.json.encode(line) + b"\n"

    def _report_run(self, run_id: str) -> None:
        shown = self._gateway()
        if shown is None:
            self._unauthenticated()
            return
        run = self._context.runs.get(run_id)
        if run is None or run.gateway_id != shown[0].compiled.id:
            self._answer(answers.plain(404, "unknown_run", "no such run of this gateway"))
            return
        if self._head.method == "DELETE":
            self._context.runs.stop(run)
            go_round(self._context.connections, lambda connection: connection.recheck())
        counts = {"allowed": run.allowed, "denied": run.denied, "held": run.held, "limited": run.limited}
        self._answer(answers.document("application/json", msgspec.json.encode(counts), keep=False))

    def _unauthenticated(self) -> None:
        extra = answers.AUTHENTICATE.decode()
        self._answer(answers.plain(407, "unauthenticated", "a proxy token of a gateway is needed", extra=extra))
