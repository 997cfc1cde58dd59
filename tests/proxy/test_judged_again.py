"""A held request is judged again as things stand when it is to go, not as they stood when it came."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tameflare.core.decision import Reason
from tameflare.proxy import waiting
from tameflare.proxy.exchange import Exchange, Next, Outcome
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.totals import Totals
from tameflare.wire.heads import RequestHead, RequestHeads

HEAD = RequestHeads().parse(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
assert isinstance(HEAD, RequestHead)
CAME, NOW, EXPIRES = 100.0, 300.0, 200.0


class Talk:
    """A conversation whose agent came with a token that has expired since."""

    def __init__(self) -> None:
        self.exchange: Any = self.begun(CAME)

    def begun(self, now: float) -> Exchange:
        return Exchange(f"req_{now}", HEAD, Origin("https", "api.test", 443), "/", None, now, now, 0)

    def reopen(self, exchange: Exchange) -> Exchange:
        return self.begun(NOW)

    def proceed(self, outcome: Outcome) -> None:
        raise AssertionError(outcome)

    def refuse(self, refusal: Refusal) -> None:
        raise AssertionError(refusal)


def test_a_token_that_expired_while_people_were_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def advance(exchange: Exchange, _: Any) -> Outcome:
        return Refusal(Reason.UNAUTHENTICATED, "expired") if exchange.time >= EXPIRES else Next.FORWARD

    monkeypatch.setattr(waiting, "advance", advance)
    talk = Talk()
    state: Any = SimpleNamespace(tick=lambda: NOW)
    asking: Any = None  # no rule compares a total
    judged = waiting.HeldRequest(talk, state, Totals(asking)).judge_again()
    assert isinstance(judged, Refusal)
    assert judged.reason is Reason.UNAUTHENTICATED
    assert (talk.exchange.request_id, talk.exchange.time, talk.exchange.waited) == (f"req_{CAME}", CAME, NOW - CAME)
