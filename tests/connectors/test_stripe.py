from __future__ import annotations

import pytest
from tests.connectors.asking import FORM, JSON, connector, named, request

from tameflare.connectors.faults import Unreadable
from tameflare.core.action import Action, Effect, Risk

HOST = "api.stripe.com"


def _post(path: str, body: bytes, content_type: str = FORM) -> Action:
    (action,) = named(connector("stripe"), request("POST", HOST, path, body, content_type))
    return action


def test_a_refund_has_its_amount_as_a_number() -> None:
    action = _post("/v1/refunds", b"charge=ch_1&amount=1200&metadata[order]=0017")
    assert (action.type, action.risk, action.effect) == ("stripe.refund.create", Risk.HIGH, Effect.MONEY)
    assert action.parameters == {"charge": "ch_1", "amount": 1200, "metadata": {"order": "0017"}}


@pytest.mark.parametrize("amount", ["1e3", "+5", "0x10", " 5", "5.0", "٣", "007", ""])
def test_an_amount_that_is_no_integer_stays_text(amount: str) -> None:
    action = _post("/v1/refunds", f"amount={amount}".encode().replace(b"+", b"%2B"))
    assert isinstance(action.parameters["amount"], str)


def test_nested_lists_are_typed() -> None:
    action = _post(
        "/v1/checkout/sessions",
        b"mode=payment&line_items[0][quantity]=2&line_items[0][price_data][unit_amount]=500&line_items[1][quantity]=1",
    )
    assert action.parameters["line_items"] == [{"quantity": 2, "price_data": {"unit_amount": 500}}, {"quantity": 1}]


def test_encoded_brackets_nest_too() -> None:
    assert _post("/v1/customers", b"metadata%5Ba%5D=1").parameters == {"metadata": {"a": "1"}}


@pytest.mark.parametrize(
    "body",
    [
        b"amount=1&amount=2",
        b"amount=1&%61mount=2",
        b"a[b]=1&a[b]=2",
        b"a=1&a[b]=2",
        b"a%ff=1",
        b"_method=delete",
        b"a" + b"[x]" * 17 + b"=1",
    ],
)
def test_a_form_that_can_be_read_twice_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        _post("/v1/refunds", body)


def test_a_body_of_another_type_is_refused() -> None:
    with pytest.raises(Unreadable, match="urlencoded"):
        connector("stripe").name(request("POST", HOST, "/v1/refunds", b'{"amount":1}', JSON))


def test_lists_type_their_range() -> None:
    (action,) = named(connector("stripe"), request("GET", HOST, "/v1/charges?limit=3&created[gte]=17"))
    assert action.parameters == {"limit": 3, "created": {"gte": 17}}


def test_what_is_built_is_a_form() -> None:
    call = connector("stripe").build(Action("stripe.refund.create", {}, {"charge": "ch_1", "amount": 5, "x": [True]}))
    assert (call.path, call.body) == ("/v1/refunds", b"charge=ch_1&amount=5&x[0]=true")
