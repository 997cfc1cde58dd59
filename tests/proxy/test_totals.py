"""Running totals on the way of a proxied request: reserved before the verdict, taken back where nothing goes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event, Lock
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.clients import post
from tests.support.judging import policy
from tests.support.plane import CANARY, Plane, connector, rules
from tests.support.upstream import Upstream
from tests.support.waiting import wait_for

from tameflare.core.config import AuthScheme, PolicyConfig
from tameflare.core.decision import EnforcementLevel, Reason, Verdict
from tameflare.core.policy.model import Total
from tameflare.core.totals import key
from tameflare.link.totals import Ask, Reserve, Sums
from tameflare.proxy import steps
from tameflare.proxy.exchange import Exchange, Next
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal
from tameflare.wire.heads import RequestHead, RequestHeads

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
REFUNDS = "/v1/refunds"
LIMIT = policy(
    Verdict.DENY,
    '{field: "total(parameters.amount, window: 1d, by: agent)", operator: greater_than, value: 1000}',
)


class Owner:
    """A control plane's totals, kept in memory. `away`: it answers with a fault. `gate`: it answers once it is set."""

    def __init__(self) -> None:
        self.kept: dict[str, Reserve] = {}
        self.asked: list[Ask] = []
        self.away = False
        self.begun = 0
        self.gate = Event()
        self.gate.set()
        self._lock = Lock()

    def answer(self, asked: Ask) -> Sums | None:
        self.begun += 1
        self.gate.wait(10)
        with self._lock:
            self.asked.append(asked)
            if self.away:
                return None
            for request in asked.release:
                self.kept.pop(request, None)
            return Sums(tuple(map(self._reserve, asked.reserve)))

    def _reserve(self, wish: Reserve) -> tuple[Decimal, ...]:
        self.kept[wish.request_id] = wish
        return tuple(self.total(key(each.total, wish.account)) for each in wish.amounts)

    def total(self, name: str) -> Decimal:
        return sum(
            (each.amount for wish in self.kept.values() for each in wish.amounts
             if key(each.total, wish.account) == name),
            Decimal(0),
        )  # fmt: skip

    @property
    def amounts(self) -> list[int]:
        """What counts now."""
        return sorted(int(each.amount) for wish in self.kept.values() for each in wish.amounts)


@pytest.fixture
def owner(proxy: Plane, upstream: Upstream) -> Iterator[Owner]:
    made = Owner()
    proxy.link.totals = made.answer
    govern(proxy)
    assert not upstream.seen
    yield made
    made.gate.set()


def govern(proxy: Plane, *, level: EnforcementLevel = EnforcementLevel.FULL_ENFORCE, source: str = LIMIT) -> None:
    """Stripe at which rules allow everything, and the limit."""
    known = connector("stripe", type="stripe", auth=AuthScheme.BEARER)
    gateway = proxy.gateway(known, rules=rules(("stripe", "**", Verdict.ALLOW)), level=level)
    proxy.publish(gateway, {"stripe": CANARY}, policies=(PolicyConfig("pol-1", "p", 3, source),))


def refund(proxy: Plane, amount: object) -> tuple[int, str]:
    body = f"charge=ch_1&amount={amount}" if amount is not None else "charge=ch_1"
    reply = post(proxy.tunnel(), body.encode(), FORM, REFUNDS)
    return reply.status, reply.json["error"]["code"] if reply.status != 200 else ""


def test_requests_count_until_the_limit_and_what_is_refused_does_not(
    proxy: Plane, upstream: Upstream, owner: Owner
) -> None:
    assert [refund(proxy, amount) for amount in (600, 400)] == [(200, ""), (200, "")]
    assert refund(proxy, 1) == (403, "policy_deny")
    wait_for(lambda: owner.amounts == [400, 600], "the refused one is taken back")
    assert len(upstream.seen) == 2


def test_side_by_side_exactly_as_many_go_as_fit(proxy: Plane, upstream: Upstream, owner: Owner) -> None:
    """Those that come while one is asked about are asked about together; none is refused because of one that was."""
    amounts = [900, *[300] * 8, 100]
    owner.gate.clear()
    with ThreadPoolExecutor(len(amounts)) as pool:
        first = pool.submit(refund, proxy, amounts[0])
        wait_for(lambda: owner.begun, "it is asked about the first")
        others = [pool.submit(refund, proxy, amount) for amount in amounts[1:]]
        owner.gate.set()
        found = [job.result() for job in (first, *others)]
    assert found[0] == found[-1] == (200, "")
    assert set(found[1:-1]) == {(403, "policy_deny")}
    wait_for(lambda: owner.amounts == [100, 900], "what was refused is taken back")


def test_without_an_amount_nothing_goes(proxy: Plane, upstream: Upstream, owner: Owner) -> None:
    assert refund(proxy, None) == (403, "engine_error")
    assert not upstream.seen
    assert owner.amounts == []


def test_the_control_plane_is_away(proxy: Plane, upstream: Upstream, owner: Owner) -> None:
    owner.away = True
    assert refund(proxy, 5) == (403, "total_unavailable")
    assert not upstream.seen
    owner.away = False
    assert refund(proxy, 7) == (200, "")
    wait_for(lambda: owner.amounts == [7], "what may have arrived is taken back")
    taken_back = [request for asked in owner.asked for request in asked.release]
    assert taken_back[0] == owner.asked[0].reserve[0].request_id


def test_monitor_lets_it_through_and_counts_it(proxy: Plane, upstream: Upstream, owner: Owner) -> None:
    govern(proxy, level=EnforcementLevel.MONITOR)
    assert refund(proxy, 5000) == (200, "")
    assert owner.amounts == [5000]


def test_whoever_leaves_while_the_control_plane_is_asked_counts_no_more(
    proxy: Plane, upstream: Upstream, owner: Owner
) -> None:
    owner.gate.clear()
    wire = proxy.tunnel()
    body = b"charge=ch_1&amount=50"
    wire.send(
        b"POST /v1/refunds HTTP/1.1\r\nHost: api.example.test\r\n" + FORM
        + b"Content-Length: %d\r\n\r\n" % len(body) + body
    )  # fmt: skip
    wait_for(lambda: owner.begun, "it is asked about it")
    wire.close()
    owner.gate.set()
    wait_for(lambda: owner.asked and any(asked.release for asked in owner.asked), "it is taken back")
    assert owner.amounts == []
    assert not upstream.seen


def test_requests_that_no_total_is_about_ask_nobody(proxy: Plane, upstream: Upstream, owner: Owner) -> None:
    narrow = LIMIT.replace("rules:", "scope: {action_types: ['stripe.charge.*']}\nrules:")
    govern(proxy, source=narrow)
    assert refund(proxy, 5000) == (200, "")
    assert owner.asked == []


@pytest.mark.parametrize(("length", "expected"), [(0, Next.RESERVE), (5, Next.HELD_BODY), (50, "too large")])
def test_a_body_that_nobody_reads_is_kept_meanwhile(
    monkeypatch: pytest.MonkeyPatch, length: int, expected: object
) -> None:
    """Where the amount stands in the head."""
    monkeypatch.setattr(steps.policies, "adds", lambda _: {Total("resource.number", 60): Decimal(7)})
    head = RequestHeads().parse(b"PUT / HTTP/1.1\r\nHost: api.test\r\nContent-Length: %d\r\n\r\n" % length)
    assert isinstance(head, RequestHead)
    exchange = Exchange("req_1", head, Origin("https", "api.test", 443), "/", None, 0, 0, 0)
    state: Any = SimpleNamespace(limits=SimpleNamespace(max_held_body=10))
    found = steps.reserve(exchange, state)
    if isinstance(found, Refusal):
        assert (found.reason, expected) == (Reason.BODY_TOO_LARGE_TO_HOLD, "too large")
    else:
        assert found is expected
    exchange.received = b"x" * length
    assert steps.reserve(exchange, state) is Next.RESERVE
