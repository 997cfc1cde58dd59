"""Slack beside its table: methods take the key as a field of the body too, which must not go on."""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import quote

from tameflare.connectors import denials
from tameflare.connectors.auth import field_name
from tameflare.connectors.bodies import FORM, MULTIPART, content_type, json_value, plain_body
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import UNCLEAR, Fields, Schema, convert, parse_form
from tameflare.connectors.multipart import multipart_fields
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.routes import BodyKind
from tameflare.connectors.table import TableConnector, Vendor
from tameflare.connectors.trie import Leaf

TOKEN: Final = "token"  # noqa: S105 - the name of a field
_NO_SCHEMA: Final[Schema] = {}
_MADE_UNDERSCORES: Final = str.maketrans(". ", "__")
"""As PHP and its kin read the names of fields."""


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
            _check_key(request, _NO_SCHEMA)

    def query_fields(self, request: HttpRequest, leaf: Leaf) -> Fields:
        fields = super().query_fields(request, leaf)
        return {**fields, **{name.translate(_MADE_UNDERSCORES): UNCLEAR for name in fields if _is_made_another(name)}}

    def body_fields(self, request: HttpRequest, leaf: Leaf) -> Fields:
        """Form, JSON or multipart as the content type says; without the key."""
        if content_type(request) not in {FORM, ""}:
            return _check_key(request, leaf.schema)
        fields = super().body_fields(request, leaf)
        _refuse_hidden_key(fields)
        fields.pop(TOKEN, None)
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
    """Refuse a name that a lax server reads as `token`, such as one with a blank before it, and whatever it reads as
    another. Raises Unreadable."""
    if fields.get(TOKEN) is UNCLEAR or any(name != TOKEN and field_name(quote(name)) == TOKEN for name in fields):
        raise Unreadable("the body holds a field that could be read as `token`")
    if any(map(_is_made_another, fields)):
        raise Unreadable("the body holds a field whose name could be read as another")


def _is_made_another(name: str) -> bool:
    return "." in name or " " in name


def _check_key(request: HttpRequest, schema: Schema) -> Fields:
    """The fields of a body that is no form, if it is certain that it holds no key. Raises Unreadable."""
    kind = content_type(request)
    if kind == MULTIPART:
        fields = _without_key(multipart_fields(request))
        _refuse_hidden_key(fields)
        typed: Fields = convert(fields, schema)
        return typed
    if kind == "application/json":
        return _json_without_key(request)
    raise Unreadable(f"the content type `{kind[:64]}` is not one that the Web API reads")


def _json_without_key(request: HttpRequest) -> Fields:
    value = json_value(request)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    return _without_key(value)


def _without_key(fields: Fields) -> Fields:
    if TOKEN in fields:
        raise Unreadable("the body holds the field `token`, put the key into the Authorization header")
    return fields
