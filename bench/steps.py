"""What each step of a request costs inside the proxy, without sockets: `python bench/steps.py`.

One intercepted keep-alive GET with ten headers and its 1 KiB answer goes through the real conversation, judge, spool
and relay, with transports that throw away what they are given. TLS and system calls are missing from the sum; the
last rows time them alone.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tameflare.core.access import AccessRule
from tameflare.core.config import (
    AgentConfig,
    AuthScheme,
    Configuration,
    ConnectorConfig,
    GatewayConfig,
    ProxyToken,
)
from tameflare.core.decision import Verdict
from tameflare.link.messages import Bundle, OpenCredential
from tameflare.link.tokens import TokenKind, digest, new_token
from tameflare.proxy import records, steps
from tameflare.proxy.context import Context
from tameflare.proxy.conversation import Conversation
from tameflare.proxy.exchange import Exchange, Next
from tameflare.proxy.flow import Flow
from tameflare.proxy.identity import Authenticator
from tameflare.proxy.limits import Limits
from tameflare.proxy.metrics import Metrics
from tameflare.proxy.origin import Origin
from tameflare.proxy.outbox import Outbox
from tameflare.proxy.pool import Pool
from tameflare.proxy.routing import Served
from tameflare.proxy.runs import Runs
from tameflare.proxy.spool import Spool
from tameflare.proxy.state import ProxyState
from tameflare.proxy.steps import advance
from tameflare.proxy.tasks import Tasks
from tameflare.proxy.upstream import UpstreamConnection
from tameflare.wire.heads import RequestHeads, ResponseHeads

ROUNDS = 7
REPEATS = 4000
HOST = "api.github.com"
REQUEST = (
    b"GET /repos/octo/hello/pulls/7 HTTP/1.1\r\nHost: api.github.com\r\nUser-Agent: bench/1.0 (linux x86_64)\r\n"
    b"Accept: application/json\r\nAccept-Encoding: identity\r\nAuthorization: Bearer "
    b"ghp_tameflare_github_placeholder\r\nContent-Type: application/json\r\nX-Request-Id: 5f0c4c2e-7f7b-4a63\r\n"
    b"X-GitHub-Api-Version: 2022-11-28\r\nX-Agent-Version: 1.2.3\r\nConnection: keep-alive\r\n\r\n"
)
BODY = b'{"x":"' + b"a" * 1016 + b'"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 22:28:04 GMT\r\nContent-Type: application/json\r\n"
    b'Content-Length: 1024\r\nConnection: keep-alive\r\nETag: W/"abc"\r\nCache-Control: private\r\n\r\n' + BODY
)


class Nowhere(asyncio.Transport):
    """A transport that counts what it is given and throws it away."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    def write(self, data: Any) -> None:
        self.written += len(data)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


class Agent:
    """The stream under a conversation."""

    def __init__(self) -> None:
        self.send = Nowhere().write

    def close(self) -> None:
        raise AssertionError("the conversation ended")

    abort = close

    def malformed(self, fault: Any) -> None:
        raise AssertionError(fault)


def served_configuration(token: str, key: bytes) -> Served:
    connector = ConnectorConfig("c1", "github", "github", auth=AuthScheme.VENDOR)
    rules = tuple(
        AccessRule(f"r{index}", "github", pattern, Verdict.ALLOW)
        for index, pattern in enumerate(("github.pr.*", "github.*.get", "github.issue.create", "github.repo.get"))
    )
    gateway = GatewayConfig(
        "g1", "main", rate_limit_per_minute=10**9, tokens=(ProxyToken("t1", digest(token, key)),),
        agents=(AgentConfig("a1", "default"),), connectors=(connector,), rules=rules,
    )  # fmt: skip
    credentials = (OpenCredential("c1", secrets.token_hex(20)),)
    return Served(Configuration(1, 0, gateways=(gateway,)), Bundle(1, "", b"", key, credentials))


class Rig:
    """One conversation with one pooled upstream connection."""

    def __init__(self, directory: Path) -> None:
        key, token = secrets.token_bytes(32), new_token(TokenKind.PROXY)
        limits = Limits(1 << 20, 1 << 20, 0, 10, 300, 3600, 600, 20, 10, frozenset(("token",)), True, 300)
        self.turn: list[Callable[[], None]] = []
        self.state = ProxyState(limits, time.time, time.monotonic, lambda: 0.0)
        self.state.serve(served_configuration(token, key))
        self.spool = Spool(directory, "bench", max_bytes=1 << 40)
        pool, runs = Pool(time.monotonic), Runs(key, time.monotonic)
        authenticator = Authenticator(runs, time.time)
        self.context = Context(
            self.state, Outbox(self.spool, self.turn.append, True), pool, None, None,  # type: ignore[arg-type]
            authenticator, runs, Metrics(), Tasks(), self.turn.append, dict, frozenset(),
            None, None, None,  # type: ignore[arg-type]  # nothing is held, added up or passed on here
        )  # fmt: skip
        import base64

        header = b"Basic " + base64.b64encode(f"{token}:".encode())
        assert self.state.served is not None
        self.identity = authenticator.identify(self.state.served, header)
        self.origin = Origin("https", HOST, 443)
        self.origin.shake_hands(HOST)
        self.conversation = Conversation(Agent(), self.context, Flow(Nowhere()), self.open)
        exchange = self.exchange()
        assert advance(exchange, self.state) is Next.FORWARD
        loop = asyncio.new_event_loop()
        self.upstream = UpstreamConnection(self.context.key(exchange), pool, None, loop.create_future())
        loop.close()
        self.upstream.connection_made(Nowhere())
        pool.put(self.upstream)

    def open(self, head: Any, _: bytes) -> Exchange:
        state = self.state
        now, tick = state.clock(), state.tick()
        return Exchange(state.new_request_id(now), head, self.origin, head.target, self.identity, now, tick, head.size)

    def exchange(self) -> Exchange:
        return self.open(RequestHeads().parse(REQUEST), b"")

    def run_turn(self) -> None:
        turn = self.turn[:]
        self.turn.clear()
        for work in turn:
            work()

    def whole(self) -> None:
        self.conversation.feed(REQUEST)
        self.run_turn()
        self.upstream.data_received(ANSWER)


def microseconds(work: Callable[[], object]) -> float:
    """The median of several rounds, in microseconds a call."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(REPEATS):
            work()
        rounds.append((time.thread_time() - began) / REPEATS * 1e6)
    return median(rounds)


def step_costs(rig: Rig) -> list[tuple[str, float]]:
    rows = []
    heads, answers = RequestHeads(), ResponseHeads()
    rows.append(("read: parse the request's head", microseconds(lambda: heads.parse(REQUEST))))
    parsed = rig.exchange()
    rows.append(("open an exchange", microseconds(lambda: rig.open(parsed.head, b""))))
    for step in steps.STEPS:
        exchange = rig.exchange()
        for earlier in steps.STEPS[: steps.STEPS.index(step)]:
            assert earlier(exchange, rig.state) is None
        rows.append((step.__name__, microseconds(lambda step=step, exchange=exchange: _again(step, exchange, rig))))
    exchange = rig.exchange()
    advance(exchange, rig.state)
    rows.append(("record: build the intent", microseconds(lambda: records.of_decision(exchange, rig.state))))
    intent = records.of_decision(exchange, rig.state)
    rows.append(("record: append and write alone", microseconds(lambda: (rig.spool.append(intent), rig.spool.flush()))))
    head = ANSWER[: ANSWER.index(b"\r\n\r\n") + 4]
    rows.append(("forward: parse the answer's head", microseconds(lambda: answers.parse(head))))
    masker = exchange.binding.answers(HOST).masker if exchange.binding is not None else None
    assert masker is not None
    rows.append(("forward: look for the credential in the answer", microseconds(lambda: masker.is_clean(ANSWER))))
    return rows


def _again(step: Any, exchange: Exchange, rig: Rig) -> None:
    if step is steps.name:
        exchange.actions = exchange.actions
    step(exchange, rig.state)
    exchange.flags = ()


def tls_cost() -> float:
    """Sealing 1 KiB and opening it again, both ends counted, halved."""
    import trustme

    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(HOST).configure_cert(server)
    authority.configure_trust(client)
    down, up = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(down, up, server_hostname=HOST)
    far = server.wrap_bio(up, down, server_side=True)
    for side in (near, far, near, far):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return microseconds(lambda: (near.write(BODY), far.read(65536))) / 2


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory) / "spool")
        rows = step_costs(rig)
        rows.append(("THE WHOLE, one request a turn", microseconds(rig.whole)))
        rows.append(("one TLS record of 1 KiB, sealed or opened", tls_cost()))
        for name, cost in rows:
            print(f"{cost:8.2f} µs  {name}")
        if "--profile" in sys.argv:
            profile(rig)
        rig.spool.close()


def profile(rig: Rig) -> None:
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(REPEATS * 2):
        rig.whole()
    profiler.disable()
    pstats.Stats(profiler).sort_stats(sys.argv[2] if len(sys.argv) > 2 else "tottime").print_stats(60)


if __name__ == "__main__":
    main()
