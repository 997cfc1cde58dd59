"""Slack beside its table: methods take the key as a field of the body too, which must not go on."""

from __future__ import annotations

import re
from typing import ClassVar, Final
from urllib.parse import quote

from tameflare.connectors import denials
from tameflare.connectors.auth import field_name
from tameflare.connectors.bodies import FORM, MULTIPART, content_type, json_value, plain_body
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import Fields, parse_form
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.routes import BodyKind
from tameflare.connectors.table import TableConnector, Vendor
from tameflare.connectors.trie import Leaf

TOKEN: Final = "token"  # noqa: S105 - the name of a field
_PART: Final = re.compile(
    rb'(?:content-disposition: form-data; name="[\w.\[\]\-]+"(?:; filename="[^"\\\r\n]*")?'
    rb"|content-(?:type|length|transfer-encoding): [\w./+\-; =]+)",
    re.IGNORECASE,
)
_NAMES_TOKEN: Final = re.compile(rb'name="token"', re.IGNORECASE)
_BOUNDARY: Final = re.compile(r";\s*boundary=(?:\"([\w'()+,./:=? \-]{1,70})\"|([\w'()+,./:=?\-]{1,70}))\s*$")


class SlackConnector(TableConnector):
    """Web API methods, form or JSON. Every body is read, since a `token` field in it would be used as a key."""

    vendor: ClassVar = Vendor(
        "slack",
        ("slack.com", "api.slack.com"),
        denials.slack,
        credential_headers=frozenset({b"authorization"}),
        credential_query=frozenset({TOKEN}),
    )

    def must_read(self, request: HttpRequest, leaf: Leaf | None) -> bool:
        raw = leaf is not None and leaf.body_kind is BodyKind.RAW
        return not raw and request.method not in {"GET", "HEAD"}

    def check_unnamed(self, request: HttpRequest) -> None:
        if content_type(request) in {FORM, ""}:
            _refuse_hidden_key(parse_form(plain_body(request)))
        else:
            _check_key(request)

    def body_fields(self, request: HttpRequest, leaf: Leaf) -> Fields:
        """Form, JSON or multipart as the content type says; without the key."""
        if content_type(request) not in {FORM, ""}:
            return _check_key(request)
        fields = super().body_fields(request, leaf)
        fields.pop(TOKEN, None)
        _refuse_hidden_key(fields)
        return fields

    def rewrite(self, request: HttpRequest) -> bytes | None:
        """A form without its `token` field, the rest as it came; other bodies unchanged."""
        body = request.body or b""
        if content_type(request) not in {FORM, ""} or TOKEN not in parse_form(plain_body(request)):
            return None
        if request.values(b"content-encoding"):
            raise Unreadable("the body holds a key and is compressed")
        return b"&".join(pair for pair in body.split(b"&") if TOKEN not in parse_form(pair))


def _refuse_hidden_key(fields: Fields) -> None:
    """Refuse a name that a lax server reads as `token`, such as one with a blank before it. Raises Unreadable."""
    if any(name != TOKEN and field_name(quote(name)) == TOKEN for name in fields):
        raise Unreadable("the body holds a field that could be read as `token`")


def _check_key(request: HttpRequest) -> Fields:
    """The fields of a body that is no form, if it is certain that it holds no key. Raises Unreadable."""
    kind = content_type(request)
    if kind == MULTIPART:
        _check_multipart(request)
        return {}
    if kind == "application/json":
        return _json_without_key(request)
    raise Unreadable(f"the content type `{kind[:64]}` is not one that the Web API reads")


def _json_without_key(request: HttpRequest) -> Fields:
    value = json_value(request)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    if TOKEN in value:
        raise Unreadable("the body holds the field `token`, put the key into the Authorization header")
    return value


def _check_multipart(request: HttpRequest) -> None:
    """Refuse a multipart body that names a `token` field, or whose parts could be read in more than one way."""
    match = _BOUNDARY.search(request.header(b"content-type"))
    if match is None:
        raise Unreadable("the multipart body has no plain boundary")
    delimiter = b"--" + (match.group(1) or match.group(2)).encode()
    parts = (b"\r\n" + plain_body(request)).split(b"\r\n" + delimiter)
    if len(parts) < 2 or parts[0] or not parts[-1].startswith(b"--"):
        raise Unreadable("the multipart body is not well formed")
    for part in parts[1:-1]:
        head, blank, _ = part.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        if lines[0] or not blank or not all(_PART.fullmatch(line) for line in lines[1:]):
            raise Unreadable("the multipart body has a part that cannot be read for certain")
        if _NAMES_TOKEN.search(head):
            raise Unreadable("the body holds the field `token`, put the key into the Authorization header")
