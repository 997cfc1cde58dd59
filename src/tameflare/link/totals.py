"""What a proxy and the control plane say to each other about running totals.

One message at a time is under way from a proxy. It takes back what did not go (`release`), then reserves for requests
that are to be judged, in their order; each answer tells the sums with everything that was reserved before it, and with
the request itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from tameflare.core.policy.model import Total
from tameflare.core.totals import Account

TOTALS_PATH: Final = "/api/link/totals"
MOST: Final = 256
"""Requests that one message reserves for, or takes back, at most."""


class Amount(msgspec.Struct, frozen=True):
    """What a request adds to a total."""

    total: Total
    amount: Decimal


class Reserve(msgspec.Struct, frozen=True):
    """For one request. Asked again it replaces what was reserved for it before."""

    request_id: str
    account: Account
    amounts: tuple[Amount, ...]


class Ask(msgspec.Struct, frozen=True):
    """`POST TOTALS_PATH`. `release` are ids of requests that did not go, whether they were reserved for or not."""

    release: tuple[str, ...] = ()
    reserve: tuple[Reserve, ...] = ()


class Sums(msgspec.Struct, frozen=True):
    """The answer: for each entry of `reserve` the sums in the order of its amounts; None where the request was released
    before, or is none of this proxy's to reserve for."""

    sums: tuple[tuple[Decimal, ...] | None, ...] = ()
