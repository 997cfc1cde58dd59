"""A connector that is a table of routes: all vendors are."""

from __future__ import annotations

import importlib
from functools import cache
from typing import ClassVar, Final

import msgspec

from tameflare.connectors import auth, backward, naming
from tameflare.connectors.auth import Credential, Injection, Strip
from tameflare.connectors.base import BodySays, Classified, HeldAsReceived, HttpCall, PassesAnswers, ReadsWhole, SaysAll
from tameflare.connectors.bodies import form_fields, is_form, json_fields, plain_body, refuse_override
from tameflare.connectors.denials import Denial, Rendered, Shape
from tameflare.connectors.fields import Fields, convert, parse_query, without
from tameflare.connectors.multipart import multipart_fields
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.routes import API, UPLOADS, BodyKind, Route
from tameflare.connectors.trie import NO_READERS, Leaf, Readers, Trie
from tameflare.core.action import Action
from tameflare.core.config import ConnectorConfig

_NOTHING: Final[Fields] = {}


class VendorRoutes:
    """A vendor's table, compiled: a trie per surface, and the rows for the way back."""

    __slots__ = ("downloads", "rows", "surfaces")

    def __init__(self, rows: tuple[Route, ...], readers: Readers) -> None:
        self.rows = rows
        self.downloads = frozenset(row.type for row in rows if row.download)
        names = {row.surface for row in rows}
        self.surfaces = {name: Trie((row for row in rows if row.surface == name), readers) for name in names}


@cache
def vendor_routes(vendor: str) -> VendorRoutes:
    """The table of a vendor, read and compiled when first needed. A table may say how captured segments are read."""
    module = importlib.import_module(f"tameflare.connectors.catalog.{vendor}")
    return VendorRoutes(module.ROUTES, getattr(module, "READERS", NO_READERS))


class Vendor(msgspec.Struct, frozen=True):
    """What a vendor is beside its table.

    `credential_headers`, `_query` and `_cookies` are where its servers look for a key. `significant` are headers that
    change what a request does. `guards_forms`: its servers may read a method override from a form, so forms are read
    before they go on.
    """

    name: str
    domains: tuple[str, ...]
    shape: Shape
    credential_headers: frozenset[bytes] = frozenset({b"authorization"})
    credential_query: frozenset[str] = frozenset()
    significant: frozenset[bytes] = frozenset()
    guards_forms: bool = False

    @property
    def strip(self) -> Strip:
        headers = auth.METHOD_OVERRIDES | self.credential_headers | {b"cookie"}
        return Strip(headers, self.credential_query | {auth.METHOD_OVERRIDE_FIELD})


class TableConnector(PassesAnswers, SaysAll, HeldAsReceived, ReadsWhole):
    """One instance of a vendor. Subclasses say only what a table cannot."""

    is_tunnel: ClassVar[bool] = False
    vendor: ClassVar[Vendor]

    def __init__(self, config: ConnectorConfig) -> None:
        self.config = config
        self.type = self.vendor.name
        self.domains = tuple(domain.lower() for domain in config.domains) or self.vendor.domains
        self.strip = self.vendor.strip
        self.significant = self.vendor.significant
        self._guards_forms = self.vendor.guards_forms
        self._surfaces: dict[str, Trie] | None = None

    @property
    def routes(self) -> VendorRoutes:
        return vendor_routes(self.type)

    @property
    def downloads(self) -> frozenset[str]:
        return self.routes.downloads

    # --- forward ------------------------------------------------------------------------------------------------------

    def classify(self, request: HttpRequest) -> Classified:
        found = self.find(request)
        if found is None:
            return Classified(naming.unknown(self.type, request), self.must_read(request, None))
        leaf, captured = found
        fields = self.query_fields(request, leaf) if request.query else _NOTHING
        if leaf.sole is not None:
            return Classified((naming.action(leaf.sole, captured, fields),), self.must_read(request, leaf))
        holding = naming.discriminate(leaf, fields)
        if not holding:
            return Classified(naming.unknown(self.type, request), leaf.reads_body)
        actions = tuple(naming.action(route, captured, fields) for route in holding)
        return Classified(actions, leaf.reads_body or self.must_read(request, leaf))

    def name(self, request: HttpRequest) -> tuple[Action, ...]:
        found = self.find(request)
        if found is None:
            self.check_unnamed(request)
            return naming.unknown(self.type, request)
        leaf, captured = found
        fields = naming.merge(self.query_fields(request, leaf), self.body_fields(request, leaf))
        holding = naming.discriminate(leaf, fields)
        if not holding:
            return naming.unknown(self.type, request)
        return tuple(naming.action(route, captured, fields) for route in holding)

    def body_says(self, request: HttpRequest) -> BodySays:
        found = self.find(request)
        if found is None:
            return BodySays.UNREADABLE
        return BodySays.NOTHING if found[0].body_kind is BodyKind.RAW else BodySays.FIELDS

    def rewrite(self, request: HttpRequest) -> bytes | None:  # noqa: ARG002 - most vendors take no key in the body
        return None

    def find(self, request: HttpRequest) -> tuple[Leaf, Fields] | None:
        """The leaf for a request and what its path captured."""
        surface, path = self.surface(request)
        if self._surfaces is None:
            self._surfaces = self.routes.surfaces
        trie = self._surfaces.get(surface)
        found = trie.find(request.method, path) if trie is not None else None
        if found is None:
            return None
        leaf, captured = found
        return leaf, leaf.bind(captured)

    def surface(self, request: HttpRequest) -> tuple[str, str]:
        """Which of the vendor's tables a host belongs to, and the path in it."""
        return API, request.path

    def must_read(self, request: HttpRequest, leaf: Leaf | None) -> bool:
        """Whether a body must be read though it does not decide the name."""
        if request.method != "POST" or not self._guards_forms:
            return False
        raw = leaf is not None and leaf.body_kind in UPLOADS
        return not raw and is_form(request)

    def check_unnamed(self, request: HttpRequest) -> None:
        """Look at the body of a route that no table names. Raises Unreadable."""
        if self._guards_forms and is_form(request):
            refuse_override(plain_body(request))

    def query_fields(self, request: HttpRequest, leaf: Leaf) -> Fields:
        """The query's fields, typed, without those that are taken out of it."""
        fields = without(parse_query(request.query), self.strip.query)
        typed: Fields = convert(fields, leaf.schema) if leaf.schema else fields
        return typed

    def body_fields(self, request: HttpRequest, leaf: Leaf) -> Fields:
        """The body's fields, typed. Raises Unreadable."""
        if leaf.body_kind is BodyKind.FORM:
            fields: Fields = convert(form_fields(request), leaf.schema)
            return fields
        if leaf.body_kind is BodyKind.JSON or (leaf.body_kind is BodyKind.NONE and request.body):
            return json_fields(request)
        if leaf.body_kind is BodyKind.MULTIPART and request.body:
            parts: Fields = convert(multipart_fields(request), leaf.schema)
            return parts
        return {}

    # --- credential and refusal ---------------------------------------------------------------------------------------

    def injection(self, host: str, credential: Credential) -> Injection:  # noqa: ARG002 - the same on every host
        return auth.bearer(credential)

    def deny(self, denial: Denial, request: HttpRequest | None = None) -> Rendered:  # noqa: ARG002 - see github
        return self.vendor.shape(denial)

    # --- backward -----------------------------------------------------------------------------------------------------

    def build(self, action: Action) -> HttpCall:
        route = backward.choose(self.routes.rows, action)
        host, prefix = self.address(route)
        return backward.build(route, action.parameters, host, prefix)

    def address(self, route: Route) -> tuple[str, str]:  # noqa: ARG002 - one host unless a vendor has several surfaces
        """The host that a route is sent to, and what its path is prefixed with."""
        return self.domains[0], ""
