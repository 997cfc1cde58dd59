"""Forms as they are posted: read strictly, and only from our own pages."""

from __future__ import annotations

import hmac
import re
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from tameflare.control.dashboard.origins import check_origin
from tameflare.control.services.faults import Fault, Invalid, Refused
from tameflare.settings import Settings

CSRF_FIELD: Final = "csrf"
_TYPE: Final = "application/x-www-form-urlencoded"
_MAX_FIELDS: Final = 20
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BACK: Final = re.compile(r"/dashboard(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*(?:\?[A-Za-z0-9._~%&=+*-]*)?")

Form = dict[str, str]


async def read_form(request: Request, settings: Settings, expected: str) -> Form:
    """The fields of a posted form, each once. Raises Refused unless it comes from our own page with the token that the
    page was given, `expected`; Invalid where it cannot be read."""
    check_origin(request, settings)
    form = _parsed(request.headers.get("content-type", ""), await request.body())
    if not expected or not hmac.compare_digest(form.pop(CSRF_FIELD, "").encode(), expected.encode()):
        raise Refused("this form is out of date", "open the page again and repeat what you did", code="form_refused")
    return form


def _parsed(kind: str, body: bytes) -> Form:
    if kind.partition(";")[0].strip().lower() != _TYPE:
        raise _unreadable()
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=_MAX_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise _unreadable() from None
    if len(dict(pairs)) != len(pairs):
        raise _unreadable()
    return dict(pairs)


def _unreadable() -> Invalid:
    return Invalid([Fault("", "the form cannot be read", "open the page again and repeat what you did")])


def line(form: Form, field: str, longest: int, *, required: str = "") -> str:
    """One line of text. Raises Invalid where it is too long or holds control characters, or where it is empty although
    it is `required` (which says for what)."""
    text = form.get(field, "").strip()
    if required and not text:
        raise Invalid([Fault(field, required)])
    if len(text) > longest:
        raise Invalid([Fault(field, f"this is longer than {longest} characters", "write less")])
    if _CONTROL.search(text):
        raise Invalid([Fault(field, "this holds a character that cannot stand here", "write one line of text")])
    return text


def own_page(address: str) -> str:
    """An address of the dashboard as it is, anything else as its first page: nobody is sent elsewhere."""
    return address if _BACK.fullmatch(address) else "/dashboard"
