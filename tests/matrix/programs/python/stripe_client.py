"""The Stripe SDK, told of the authorities by the one line that it needs; with the retries that it has by itself."""

from __future__ import annotations

import os

import stripe
from telling import tell

stripe.ca_bundle_path = os.environ["SSL_CERT_FILE"]
stripe.api_key = os.environ["STRIPE_API_KEY"]


def allowed() -> bool:
    return stripe.Charge.retrieve("ch_demo").amount == 5000


def denied() -> None:
    stripe.Refund.create(charge="ch_demo", amount=100)


def held() -> bool:
    return stripe.Customer.create(email="a@example.com").email == "a@example.com"


tell(stripe.VERSION, os.environ["STRIPE_API_KEY"], allowed=allowed, denied=denied, held=held)
