"""An agent may refund 1,000 dollars a day: twenty refunds at once, refusals of the vendor, people."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.support.asking import Asking
from tests.support.doubles import Vendors
from tests.support.product import GATEWAY

from tameflare.demo.product import Connector, Product, wait_until

POLICY = """\
name: refunds
scope: {{action_types: [stripe.refund.create]}}
rules:
  - name: {name}
    conditions: {{field: "total(parameters.amount, window: 1d, by: agent)", operator: greater_than, value: 100000}}
    decision: deny
    reason: The agent has refunded 1,000 dollars today
  - name: ask-for-more-than-100
    conditions: {{field: parameters.amount, operator: greater_than, value: 10000}}
    decision: requires_approval
"""
HUNDRED = 10_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Iterator[Asking]:
    stripe = Connector("stripe", vendors.keys.stripe, (("stripe.*", "allow"),))
    directory = tmp_path_factory.mktemp("totals")
    with Product(directory, vendors.server.pins, vendors.certificates.authority) as product:
        product.register()
        product.use_gateway(GATEWAY, product.add_gateway(GATEWAY, (stripe,), rate_limit_per_minute=100_000))
        yield Asking(product, vendors)


def limit(shop: Asking, name: str) -> None:
    """The policy; under another name of its rule the day begins anew."""
    shop.product.api("PUT", "/api/dashboard/policies/refunds", {"source": POLICY.format(name=name)})
    shop.product.wait_for_configuration()


def refund(shop: Asking, amount: int = HUNDRED, charge: str = "ch_demo") -> httpx.Response:
    with shop.client() as client:
        return client.post("https://api.stripe.com/v1/refunds", data={"charge": charge, "amount": str(amount)})


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def passes(shop: Asking, why: str) -> None:
    wait_until(lambda: refund(shop).status_code == 200, why, 10)


def test_twenty_at_once_and_ten_fit(shop: Asking) -> None:
    limit(shop, "at-once")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: refund(shop), range(20)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == 10, [answer.text for answer in refused]
    assert {(answer.status_code, code(answer)) for answer in refused} == {(403, "policy_deny")}
    assert "1,000 dollars" in refused[0].json()["error"]["message"]
    assert code(refund(shop, 1)) == "policy_deny"


def test_what_did_not_happen_leaves_room(shop: Asking) -> None:
    limit(shop, "one-by-one")
    held = shop.send("POST", "https://api.stripe.com/v1/refunds", data={"charge": "ch_demo", "amount": "60000"})
    asked = shop.pending("stripe.refund.create")
    assert [refund(shop).status_code for _ in range(3)] == [200] * 3
    assert refund(shop, charge="ch_unknown").status_code == 400, "the vendor refuses it"
    passes(shop, "what the vendor refused counts no more")
    assert code(refund(shop, 1)) == "policy_deny", "what waits for people counts"
    shop.vote(asked["id"], "deny")
    assert held.result().status_code == 403
    passes(shop, "what was denied counts no more")
    assert code(refund(shop, 50_001)) == "policy_deny"


def test_people_who_agree_let_go_what_still_fits(shop: Asking) -> None:
    limit(shop, "agreed")
    held = shop.send("POST", "https://api.stripe.com/v1/refunds", data={"charge": "ch_demo", "amount": "50000"})
    shop.vote(shop.pending("stripe.refund.create")["id"])
    assert held.result().status_code == 200
    assert code(refund(shop, 50_001)) == "policy_deny"
