"""Agents' connections: from the first byte on the proxy's port to the conversations inside.

A connection starts as a conversation in plain HTTP with the proxy itself: absolute-form requests, CONNECT, and the
proxy's own pages. After CONNECT the first bytes decide: TLS is intercepted, plain HTTP is judged as http, anything else
is refused. Each phase is a method that takes bytes; `_receive` is the present one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import structlog

from tameflare.core.decision import Reason
from tameflare.proxy import answers, turned_away
from tameflare.proxy.admission import Place
from tameflare.proxy.context import Context
from tameflare.proxy.conversation import Conversation
from tameflare.proxy.endpoints import Endpoint
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.flow import WRITE_BUFFER, Flow
from tameflare.proxy.identity import Identity
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.revocation import REVOKED, refusal_to_cut
from tameflare.proxy.routing import Binding
from tameflare.proxy.steps import preview
from tameflare.proxy.stream import Opener
from tameflare.proxy.tunnel import Tunnel
from tameflare.proxy.turned_away import tunnel_head, tunnel_origin
from tameflare.wire.faults import HeadFault
from tameflare.wire.heads import RequestHead
from tameflare.wire.sniff import FirstBytes, sniff
from tameflare.wire.target import TargetFault, parse_absolute
from tameflare.wire.tls import TlsFault, TlsShell

log = structlog.get_logger(__name__)


class ClientConnection(asyncio.Protocol):
    """One TCP connection of an agent."""

    __slots__ = (
        "_context",
        "_conversation",
        "_credential",
        "_endpoint",
        "_flow",
        "_identity",
        "_origin",
        "_place",
        "_receive",
        "_shell",
        "_sniffed",
        "_transport",
        "_tunnel",
        "deadline",
    )

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shell: TlsShell | None = None
        self._identity: Identity | None = None
        self._credential: bytes | None = None
        self._origin: Origin | None = None
        self._endpoint: Endpoint | None = None
        self._tunnel: Tunnel | None = None
        self._sniffed = b""
        self.deadline = 0.0

    # --- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._flow = Flow(self._transport)
        self._conversation = Conversation(self, self._context, self._flow, self._open_front)
        self._receive: Callable[[bytes], None] = self._conversation.feed
        self._context.connections.add(self)
        self._place = Place(self, self._context.admission, self._context.allowances)
        if not self._place.take():
            self._receive = turned_away.ignore
            self._answer_and_close(turned_away.TOO_MANY_CONNECTIONS)

    def data_received(self, data: bytes) -> None:
        self._receive(data)

    def pause_writing(self) -> None:
        self._flow.client_full()

    def resume_writing(self) -> None:
        self._flow.client_drained()

    def eof_received(self) -> bool:
        """The agent sends no more: a tunnel passes it on, anything else ends."""
        if self._tunnel is not None:
            self._tunnel.client_ended()
            return True
        return False

    def connection_lost(self, _: Exception | None) -> None:
        self._context.connections.discard(self)
        self._place.leave()
        self._conversation.lost()
        if self._tunnel is not None:
            self._tunnel.client_lost()
        if self._endpoint is not None:
            self._endpoint.lost()
        self._receive, self._endpoint = turned_away.ignore, None

    # --- the stream that a conversation writes to

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    def send_sealed(self, data: bytes) -> None:
        """Broken TLS ends this connection alone: others are released in the same turn."""
        assert self._shell is not None
        try:
            self._transport.write(self._shell.send(data))
        except TlsFault:
            self._transport.abort()

    def close(self) -> None:
        if self._transport.is_closing():
            return
        if self._shell is not None and self._shell.handshaken:
            self._transport.write(self._shell.close())
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def malformed(self, fault: HeadFault) -> None:
        if self._identity is not None and self._origin is not None:
            self._record_refused(self._origin, Refusal(Reason.BAD_REQUEST, fault.message))

    def _begin_anew(self, opener: Opener) -> None:
        """The conversation before is over; another begins on the same connection."""
        self._conversation.part()
        self._conversation = Conversation(self, self._context, self._flow, opener)

    def _record_refused(self, origin: Origin, refusal: Refusal) -> None:
        exchange = self._exchange(tunnel_head(origin, method=""), origin, "/", self._identity)
        turned_away.note(self._context, exchange, refusal, 0)

    # --- phase 1: the proxy itself

    def _open_front(self, head: RequestHead, rest: bytes) -> Exchange | Refusal | None:
        if head.method == "CONNECT":
            self._connect(head, rest)
            return None
        if head.target.startswith(("/", "*")):
            self._endpoint = Endpoint(self, self._context, head)
            self._receive = self._endpoint.feed
            self._arm(self._context.state.limits.head_timeout)
            self._endpoint.feed(rest)
            return None
        try:
            absolute = parse_absolute(head.target)
        except TargetFault as fault:
            return Refusal(Reason.BAD_REQUEST, fault.message)
        if absolute.scheme != "http":
            return Refusal(Reason.BAD_REQUEST, "reach https through CONNECT")
        origin = Origin("http", absolute.host, absolute.port)
        target = f"{absolute.path}?{absolute.query}" if absolute.query else absolute.path
        identity = self._identify(head.proxy_authorization)
        exchange = self._exchange(head, origin, target, identity)
        if identity is None or self.belongs_to(identity.agent.id):
            return exchange
        refusal = turned_away.too_many_tunnels(self._context)
        self._answer_and_close(turned_away.refuse(self._context, exchange, refusal))
        return None

    def belongs_to(self, agent: str) -> bool:
        """Count this connection as one of the agent's from now on; False where it has as many as it may."""
        return self._place.belongs_to(agent)

    def _identify(self, header: bytes | None) -> Identity | None:
        served = self._context.state.served
        return None if served is None else self._context.authenticator.identify(served, header)

    def _exchange(self, head: RequestHead, origin: Origin, target: str, identity: Identity | None) -> Exchange:
        state = self._context.state
        now = state.clock()
        return Exchange(state.new_request_id(now), head, origin, target, identity, now, state.tick(), head.size)

    # --- phase 2: CONNECT

    def _connect(self, head: RequestHead, rest: bytes) -> None:
        self._credential = head.proxy_authorization
        if self._context.state.served is None:
            message = "the control plane has not given this proxy a configuration yet"
            self._answer_and_close(answers.plain(503, Reason.CONFIGURATION_STALE.value, message))
            return
        self._identity = self._identify(self._credential)
        if self._identity is None:
            self._ask_for_credential(head, rest)
            return
        try:
            self._origin = tunnel_origin(head.target)
        except TargetFault as fault:
            self._answer_and_close(answers.plain(400, Reason.BAD_REQUEST.value, fault.message))
            return
        if self._refused_at_connect(self._origin):
            return
        self._receive = self._sniff
        self._arm(self._context.state.limits.head_timeout)
        self.send(answers.TUNNEL_OPEN)
        if rest:
            self._sniff(rest)

    def _ask_for_credential(self, head: RequestHead, rest: bytes) -> None:
        """407 with a length; the connection stays open, since git and others try again on it."""
        keep = not head.close and not head.chunked and not head.content_length
        self.send(turned_away.without_token(self._context, keep=keep))
        if not keep:
            self.close()
            return
        self._begin_anew(self._open_front)
        self._receive = self._conversation.feed
        if rest:
            self._context.soon(lambda: self._receive(rest))

    def _answer_and_close(self, answer: bytes) -> None:
        self.send(answer)
        self.close()

    # --- phase 3: the first bytes inside

    def _sniff(self, data: bytes) -> None:
        self._sniffed += data
        found = sniff(self._sniffed)
        if found is FirstBytes.MORE:
            return
        first, self._sniffed = self._sniffed, b""
        assert self._origin is not None
        if found is FirstBytes.TLS:
            self._enter_tls(first)
        elif found is FirstBytes.HTTP:
            self._origin = Origin("http", self._origin.host, self._origin.port)
            self._converse(first)
        else:
            self._record_refused(self._origin, Refusal(Reason.NOT_HTTP, "neither TLS nor HTTP was spoken"))
            self.close()

    def _enter_tls(self, first: bytes) -> None:
        origin, identity = self._origin, self._still_valid()
        assert origin is not None
        assert identity is not None
        binding = identity.gateway.tunnel_to(origin.host, origin.port)
        if binding is not None:
            self._open_tunnel(identity, origin, binding, first)
            return
        self._shell = TlsShell(self._context.authority.server_context(origin.host), server_side=True)
        self._receive = self._shake_hands
        self._shake_hands(first)

    def _converse(self, first: bytes) -> None:
        self.deadline = 0.0
        self._begin_anew(self._open_inside)
        self._receive = self._conversation.feed
        if first:
            self._conversation.feed(first)

    # --- phase 4: TLS, intercepted

    def _shake_hands(self, data: bytes) -> None:
        shell, origin = self._shell, self._origin
        assert shell is not None
        assert origin is not None
        plain = self._decrypt(data)
        if plain is None or not shell.handshaken:
            return
        origin.shake_hands(shell.sni)
        self.deadline = 0.0
        self._begin_anew(self._open_inside)
        self._conversation.write = self.send_sealed
        self._receive = self._intercept
        if plain:
            self._conversation.feed(plain)

    def _decrypt(self, data: bytes) -> bytes | None:
        shell = self._shell
        assert shell is not None
        try:
            plain = shell.receive(data)
        except TlsFault as fault:
            log.debug("tls failed", host=self._origin.host if self._origin else "", fault=str(fault))
            self._transport.write(shell.outgoing())
            self._transport.close()
            return None
        if shell.owes.pending:
            self._transport.write(shell.outgoing())
        return plain

    def _intercept(self, data: bytes) -> None:
        plain = self._decrypt(data)
        if plain:
            self._conversation.feed(plain)
        shell = self._shell
        if shell is not None and shell.peer_closed and self._conversation.exchange is None:
            self.close()

    def _open_inside(self, head: RequestHead, _: bytes) -> Exchange | Refusal | None:
        origin = self._origin
        assert origin is not None
        if head.method == "CONNECT" or not head.target.startswith("/"):
            return Refusal(Reason.BAD_REQUEST, "inside a tunnel the request target must be a path")
        identity, state = self._identity, self._context.state
        if identity is None or identity.served is not state.served:
            identity = self._still_valid()
        now = state.clock()
        return Exchange(state.new_request_id(now), head, origin, head.target, identity, now, state.tick(), head.size)

    def _still_valid(self) -> Identity | None:
        """The identity of the tunnel on the newest configuration; the old one where it no longer holds."""
        identity, served = self._identity, self._context.state.served
        if identity is None or identity.served is served:
            return identity  # whether it still holds at this moment is the first step's question
        self._identity = self._identify(self._credential) or identity
        return self._identity

    # --- phase 4: TLS, let through unopened

    def _refused_at_connect(self, origin: Origin) -> bool:
        """Whether the tunnel was refused: the agent has too many, or it is to a host that is denied and would be let
        through unopened, in which nothing of ours could be read."""
        identity = self._still_valid()
        assert identity is not None
        exchange = self._exchange(tunnel_head(origin), origin, "/", identity)
        refusal = None
        if not self.belongs_to(identity.agent.id):
            refusal = turned_away.too_many_tunnels(self._context)
        elif identity.gateway.tunnel_to(origin.host, origin.port) is not None:
            refusal = preview(exchange, self._context.state)
        if refusal is not None:
            self._answer_and_close(turned_away.refuse(self._context, exchange, refusal))
        return refusal is not None

    def _open_tunnel(self, identity: Identity, origin: Origin, binding: Binding, first: bytes) -> None:
        self.deadline = 0.0
        self._tunnel = Tunnel(self._transport, self._context, self._flow, identity, origin, binding)
        self._receive = self._tunnel.feed
        self._tunnel.feed(first)

    # --- time-outs and the stop

    def _arm(self, seconds: float) -> None:
        self.deadline = self._context.state.tick() + seconds

    def recheck(self) -> None:
        """Cut what is under way, and refuse what is still being read, where it could not begin any more."""
        conversation = self._conversation
        under_way = conversation.under_way if self._tunnel is None else self._tunnel.under_way
        exchange = under_way or conversation.reading
        refusal = self._why_no_longer(exchange) if exchange is not None else None
        if refusal is not None and under_way is not None:
            self._cut(refusal.reason)
        elif refusal is not None:
            conversation.refuse(refusal)

    def _why_no_longer(self, exchange: Exchange) -> Refusal | None:
        credential = self._credential or exchange.head.proxy_authorization
        return refusal_to_cut(exchange, self._context.state) if self._identify(credential) is not None else REVOKED

    def _cut(self, reason: Reason) -> None:
        self._conversation.lost(reason)
        if self._tunnel is not None:
            self._tunnel.client_lost(reason.value)
        self._transport.abort()

    def sweep(self, now: float) -> None:
        """Called about once a second."""
        self.recheck()
        if self._tunnel is not None:
            self._tunnel.sweep(now)
        elif self.deadline:
            if now > self.deadline:
                self.abort()
        elif self._endpoint is None:
            self._conversation.sweep(now)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way that deserves to be finished at a stop."""
        if self._tunnel is not None:
            return False
        return self._conversation.exchange is None

    @property
    def waits(self) -> bool:
        """Whether a request on it waits for people, which a stop does not wait for."""
        return self._conversation.waits

    def stop(self) -> None:
        """The process ends: cut what is under way, and say so on record."""
        self._cut(Reason.SHUTTING_DOWN)
