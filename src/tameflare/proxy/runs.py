"""The runs that `tf run` holds open: their tokens, how they end, what they counted.

A token is `tfr_<claims>.<tag>`: both base64url, the tag an HMAC-SHA-256 of the claims, so that a worker that has not
started the run can tell a genuine token from a made-up one. Whether the run is still alive only the registry knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from tameflare.core.secret import Secret
from tameflare.link.tokens import TokenKind

GRACE_SECONDS: Final = 10.0
KEPT_AFTER_END: Final = 1000


class RunClaims(msgspec.Struct, frozen=True, array_like=True):
    """What a run token says about itself."""

    id: str
    gateway_id: str
    agent_name: str


_decoder = msgspec.json.Decoder(RunClaims)


def key_of_runs(link_token: Secret) -> bytes:
    """The key of this proxy's run tokens: they stay good over a restart, and nobody else can make them."""
    return hmac.new(link_token.reveal().encode(), b"tameflare run tokens v1", hashlib.sha256).digest()


class Run:
    """One run and its counters, which the proxy adds to. `dies_at` is on the registry's clock, None while held open."""

    __slots__ = (
        "_clock",
        "agent_name",
        "allowed",
        "denied",
        "dies_at",
        "gateway_id",
        "held",
        "id",
        "limited",
        "name",
        "opened_by",
        "token",
    )

    def __init__(
        self, claims: RunClaims, token: str, name: str, clock: Callable[[], float], opened_by: str = ""
    ) -> None:
        self.id = claims.id
        self.gateway_id = claims.gateway_id
        self.agent_name = claims.agent_name
        self.name = name
        self.token = token
        self.opened_by = opened_by
        self.allowed = self.denied = self.held = self.limited = 0
        self.dies_at: float | None = None
        self._clock = clock

    @property
    def alive(self) -> bool:
        return self.dies_at is None or self._clock() < self.dies_at

    def __repr__(self) -> str:
        return f"Run({self.id}, {self.agent_name}, alive={self.alive})"


class Runs:
    """The runs of one proxy. `key` signs tokens; `clock` is monotonic seconds; `new_id` gives 128 random bits."""

    def __init__(
        self, key: bytes, clock: Callable[[], float], new_id: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        self._key = key
        self._clock = clock
        self._new_id = new_id
        self._by_token: dict[str, Run] = {}
        self._by_id: dict[str, Run] = {}
        self._ended: OrderedDict[str, Run] = OrderedDict()

    def start(self, gateway_id: str, agent_name: str, name: str = "", opened_by: str = "") -> tuple[str, Run]:
        """A fresh run and its token, usable at once. `opened_by` is the digest of the proxy token it depends on."""
        claims = RunClaims(self._new_id(), gateway_id, agent_name)
        token = self._sign(claims)
        run = Run(claims, token, name, self._clock, opened_by)
        self._by_token[token] = self._by_id[run.id] = run
        return token, run

    def find(self, token: str) -> Run | None:
        """The living run of a token, else None: made up, ended, or of another proxy."""
        run = self._by_token.get(token)
        return run if run is not None and run.alive else None

    def get(self, run_id: str) -> Run | None:
        """A run by id; ended ones are remembered for a while, for their counters."""
        return self._by_id.get(run_id)

    def end(self, run: Run) -> None:
        """Its session closed: the token works for ten more seconds, so that last requests of the child come through."""
        if run.dies_at is None:
            run.dies_at = self._clock() + GRACE_SECONDS
            self._ended[run.id] = run
        self._sweep()

    def stop(self, run: Run) -> None:
        """End at once, without grace: revoked."""
        run.dies_at = self._clock()
        self._ended[run.id] = run
        self._sweep()

    def verify(self, token: str) -> RunClaims | None:
        """What a genuine token of this key says, whether or not its run is still alive; None for any other."""
        body, dot, tag = token.removeprefix(TokenKind.RUN).partition(".")
        if not dot or not token.startswith(TokenKind.RUN):
            return None
        try:
            claims, given = _unbase64(body), _unbase64(tag)
            genuine = hmac.compare_digest(self._tag(claims), given)
            return _decoder.decode(claims) if genuine else None
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            return None

    def _sign(self, claims: RunClaims) -> str:
        body = msgspec.json.encode(claims)
        return f"{TokenKind.RUN.value}{_base64(body)}.{_base64(self._tag(body))}"

    def _tag(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()

    def _sweep(self) -> None:
        """Forget dead tokens, and the oldest ended runs beyond what is kept."""
        for run in self._ended.values():
            if not run.alive:
                self._by_token.pop(run.token, None)
        while len(self._ended) > KEPT_AFTER_END:
            _, oldest = self._ended.popitem(last=False)
            self._by_id.pop(oldest.id, None)
            self._by_token.pop(oldest.token, None)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
