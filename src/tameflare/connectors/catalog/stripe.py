"""Stripe's API (docs.stripe.com/api): what programs use most.

Forms, nested by brackets; amounts in the currency's smallest unit.
"""

from __future__ import annotations

from typing import Final

from tameflare.connectors.catalog.rows import DESTRUCTIVE, HIGH, LOW, MEDIUM, MONEY, WRITE, read
from tameflare.connectors.routes import BodyKind, Route
from tameflare.core.action import Effect, Risk

FORM: Final = BodyKind.FORM
LIST: Final = "limit:int created:int created.gt:int created.gte:int created.lt:int created.lte:int"
MONEY_FIELDS: Final = (
    "amount:int amount_to_capture:int application_fee_amount:int unit_amount:int quantity:int capture:bool "
    "confirm:bool off_session:bool livemode:bool refund_application_fee:bool reverse_transfer:bool"
)
LINES: Final = "line_items.*.quantity:int line_items.*.price_data.unit_amount:int items.*.quantity:int"
TIMES: Final = "cancel_at:int cancel_at_period_end:bool trial_end:int trial_period_days:int days_until_due:int"
OTHERS: Final = (
    "active:bool default:bool auto_advance:bool percent_off:number amount_off:int duration_in_months:int "
    "max_redemptions:int redeem_by:int prorate:bool invoice_now:bool"
)
FIELDS: Final = f"{MONEY_FIELDS} {LINES} {TIMES} {OTHERS}"


def _write(path: str, name: str, effect: Effect = WRITE, risk: Risk = MEDIUM, method: str = "POST") -> Route:
    return Route(method, "/v1/" + path, "stripe." + name, effect, risk, fields=FIELDS, body=FORM)


def _money(path: str, name: str) -> Route:
    return _write(path, name, MONEY, HIGH)


def _crud(collection: str, noun: str) -> tuple[Route, ...]:
    """Create, list, get and update, which most collections have."""
    return (
        _write(collection, noun + ".create"),
        read(f"/v1/{collection}", f"stripe.{noun}.list", LIST),
        read(f"/v1/{collection}/{{id}}", f"stripe.{noun}.get"),
        _write(collection + "/{id}", noun + ".update"),
    )


def _delete(path: str, name: str) -> Route:
    return _write(path, name, DESTRUCTIVE, HIGH, "DELETE")


_PAYMENTS: Final = (
    _money("charges", "charge.create"),
    read("/v1/charges", "stripe.charge.list", LIST),
    read("/v1/charges/search", "stripe.charge.search", LIST),
    read("/v1/charges/{id}", "stripe.charge.get"),
    _write("charges/{id}", "charge.update"),
    _money("charges/{id}/capture", "charge.capture"),
    _money("charges/{id}/refund", "refund.create"),
    _money("charges/{id}/refunds", "refund.create"),
    _money("refunds", "refund.create"),
    read("/v1/refunds", "stripe.refund.list", LIST),
    read("/v1/refunds/{id}", "stripe.refund.get"),
    _write("refunds/{id}", "refund.update"),
    _write("refunds/{id}/cancel", "refund.cancel"),
    _money("payment_intents", "payment_intent.create"),
    read("/v1/payment_intents", "stripe.payment_intent.list", LIST),
    read("/v1/payment_intents/search", "stripe.payment_intent.search", LIST),
    read("/v1/payment_intents/{id}", "stripe.payment_intent.get"),
    _write("payment_intents/{id}", "payment_intent.update"),
    _money("payment_intents/{id}/confirm", "payment_intent.confirm"),
    _money("payment_intents/{id}/capture", "payment_intent.capture"),
    _write("payment_intents/{id}/cancel", "payment_intent.cancel"),
    *_crud("setup_intents", "setup_intent"),
    *_crud("payment_methods", "payment_method"),
    _write("payment_methods/{id}/attach", "payment_method.attach"),
    _write("payment_methods/{id}/detach", "payment_method.detach"),
    _money("transfers", "transfer.create"),
    read("/v1/transfers", "stripe.transfer.list", LIST),
    read("/v1/transfers/{id}", "stripe.transfer.get"),
    _money("transfers/{id}/reversals", "transfer.reverse"),
    _money("payouts", "payout.create"),
    read("/v1/payouts", "stripe.payout.list", LIST),
    read("/v1/payouts/{id}", "stripe.payout.get"),
    _write("payouts/{id}/cancel", "payout.cancel"),
    read("/v1/disputes", "stripe.dispute.list", LIST),
    read("/v1/disputes/{id}", "stripe.dispute.get"),
    _write("disputes/{id}", "dispute.update", risk=HIGH),
    _money("disputes/{id}/close", "dispute.close"),
)
_BILLING: Final = (
    *_crud("customers", "customer"),
    read("/v1/customers/search", "stripe.customer.search", LIST),
    _delete("customers/{id}", "customer.delete"),
    *_crud("products", "product"),
    _delete("products/{id}", "product.delete"),
    *_crud("prices", "price"),
    *_crud("coupons", "coupon"),
    _delete("coupons/{id}", "coupon.delete"),
    *_crud("promotion_codes", "promotion_code"),
    _money("subscriptions", "subscription.create"),
    read("/v1/subscriptions", "stripe.subscription.list", LIST),
    read("/v1/subscriptions/search", "stripe.subscription.search", LIST),
    read("/v1/subscriptions/{id}", "stripe.subscription.get"),
    _money("subscriptions/{id}", "subscription.update"),
    _delete("subscriptions/{id}", "subscription.cancel"),
    *_crud("invoices", "invoice"),
    _delete("invoices/{id}", "invoice.delete"),
    read("/v1/invoices/search", "stripe.invoice.search", LIST),
    _write("invoices/{id}/finalize", "invoice.finalize", risk=HIGH),
    _write("invoices/{id}/send", "invoice.send"),
    _money("invoices/{id}/pay", "invoice.pay"),
    _write("invoices/{id}/void", "invoice.void", DESTRUCTIVE, HIGH),
    *_crud("invoiceitems", "invoice_item"),
    _delete("invoiceitems/{id}", "invoice_item.delete"),
    *_crud("payment_links", "payment_link"),
    _write("checkout/sessions", "checkout_session.create"),
    read("/v1/checkout/sessions", "stripe.checkout_session.list", LIST),
    read("/v1/checkout/sessions/{id}", "stripe.checkout_session.get"),
    _write("checkout/sessions/{id}/expire", "checkout_session.expire"),
    _write("billing_portal/sessions", "portal_session.create"),
)
_ACCOUNT: Final = (
    read("/v1/account", "stripe.account.get"),
    *_crud("accounts", "account"),
    _delete("accounts/{id}", "account.delete"),
    read("/v1/balance", "stripe.balance.get"),
    read("/v1/balance_transactions", "stripe.balance_transaction.list", LIST),
    read("/v1/balance_transactions/{id}", "stripe.balance_transaction.get"),
    read("/v1/events", "stripe.event.list", LIST),
    read("/v1/events/{id}", "stripe.event.get"),
    *_crud("webhook_endpoints", "webhook_endpoint"),
    _delete("webhook_endpoints/{id}", "webhook_endpoint.delete"),
    _write("tokens", "token.create", risk=LOW),
    read("/v1/files", "stripe.file.list", LIST),
    read("/v1/files/{id}", "stripe.file.get"),
    Route("POST", "/v1/files", "stripe.file.upload", body=BodyKind.MULTIPART),
)

ROUTES: Final = (*_PAYMENTS, *_BILLING, *_ACCOUNT)
