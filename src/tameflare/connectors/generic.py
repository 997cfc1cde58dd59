"""Connectors without a vendor: `http.<method>`, `webhook.<method>` and `tunnel.open`."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from tameflare.connectors import auth, cloud_denials
from tameflare.connectors.auth import Credential, Injection
from tameflare.connectors.base import (
    NO_DOWNLOADS,
    BodySays,
    Classified,
    HeldAsReceived,
    HttpCall,
    PassesAnswers,
    ReadsWhole,
    SaysAll,
)
from tameflare.connectors.bodies import (
    FORM,
    content_type,
    form_fields,
    is_form,
    json_fields,
    plain_body,
    refuse_override,
)
from tameflare.connectors.denials import Denial, Rendered
from tameflare.connectors.fields import Fields, encode, parse_query, without
from tameflare.connectors.naming import merge, verb
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action, Effect, Risk
from tameflare.core.config import ConnectorConfig
from tameflare.core.errors import InvalidValue

_JSON: Final = ("/json", "+json")
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class GenericConnector(PassesAnswers, SaysAll, HeldAsReceived, ReadsWhole):
    """Any HTTP API. The action is the method; host, path, query and JSON or form fields are parameters."""

    is_tunnel: ClassVar[bool] = False
    prefix: ClassVar[str] = "http"
    downloads: ClassVar[frozenset[str]] = NO_DOWNLOADS
    significant: ClassVar[frozenset[bytes] | None] = None

    def __init__(self, config: ConnectorConfig) -> None:
        self.config = config
        self.type = config.type
        self.domains = tuple(domain.lower() for domain in config.domains)
        self.strip = auth.scheme_strip(config.auth, config.auth_name)

    def classify(self, request: HttpRequest) -> Classified:
        query = self._query(request)
        return Classified((self._action(request, query),), _may_be_urlencoded(request))

    def name(self, request: HttpRequest) -> tuple[Action, ...]:
        kind = content_type(request)
        fields: Fields = {}
        if kind == FORM:
            fields = form_fields(request)
        elif kind.endswith(_JSON):
            fields = json_fields(request)
        else:
            refuse_override(plain_body(request))
        query = self._query(request)
        return (self._action(request, merge(query, fields)),)

    def body_says(self, request: HttpRequest) -> BodySays:
        kind = content_type(request)
        return BodySays.FIELDS if kind == FORM or kind.endswith(_JSON) else BodySays.UNREADABLE

    def rewrite(self, request: HttpRequest) -> bytes | None:  # noqa: ARG002 - no field of a body is known to be a key
        return None

    def _query(self, request: HttpRequest) -> Fields:
        return without(parse_query(request.query), self.strip.query)

    def _action(self, request: HttpRequest, fields: Fields) -> Action:
        resource = {"host": request.host, "path": request.path}
        risk, effect = weigh(request.method)
        return Action(f"{self.prefix}.{verb(request.method)}", resource, {**fields, **resource}, risk, effect)

    def injection(self, host: str, credential: Credential) -> Injection:  # noqa: ARG002 - the same on every host
        return auth.inject(self.config.auth, self.config.auth_name, credential)

    def deny(self, denial: Denial, request: HttpRequest | None = None) -> Rendered:
        return cloud_denials.shaped(denial, request)

    def build(self, action: Action) -> HttpCall:
        """From `host` and `path`, and from `query` (an object) and `body` (any JSON value) where there is nothing else;
        otherwise all other parameters are fields, of the query or of a JSON body as the method has it."""
        prefix, _, method = action.type.partition(".")
        if prefix != self.prefix or not method.isalpha():
            raise InvalidValue(f"no route is known for the action `{action.type}`")
        host = str(action.parameters.get("host", self.domains[0])).lower()
        if host.startswith("*.") or not any(_covers(domain, host) for domain in self.domains):
            raise InvalidValue(f"the connector `{self.config.name}` does not name the host `{host}`")
        return _call(method.upper(), host, action.parameters)


def _covers(domain: str, host: str) -> bool:
    return host.endswith(domain[1:]) if domain.startswith("*.") else host == domain


def _call(method: str, host: str, parameters: Fields) -> HttpCall:
    path = str(parameters.get("path", "/"))
    if not path.startswith("/") or not path.isprintable() or " " in path:
        raise InvalidValue(f"`{path[:64]}` is not a path", "begin it with `/` and percent-encode blanks")
    rest = {name: value for name, value in parameters.items() if name not in {"host", "path"}}
    if rest and rest.keys() <= {"query", "body"} and isinstance(rest.get("query", {}), dict):
        return _stated(method, host, path, rest)
    if method in _READS | {"DELETE"}:
        return HttpCall(method, host, path, encode(rest))
    return HttpCall(method, host, path, "", (), "application/json", msgspec.json.encode(rest))


def _stated(method: str, host: str, path: str, parts: Fields) -> HttpCall:
    query = encode(parts.get("query", {}))
    if "body" not in parts:
        return HttpCall(method, host, path, query)
    return HttpCall(method, host, path, query, (), "application/json", msgspec.json.encode(parts["body"]))


def _may_be_urlencoded(request: HttpRequest) -> bool:
    """Whether a server might read the body as an urlencoded form. One that says it is multipart passes unread."""
    kind = content_type(request)
    if request.method != "POST" or (kind.startswith("multipart/") and len(request.values(b"content-type")) == 1):
        return kind == FORM
    return is_form(request)


def weigh(method: str) -> tuple[Risk, Effect]:
    if method in _READS:
        return Risk.LOW, Effect.READ
    if method == "DELETE":
        return Risk.HIGH, Effect.DESTRUCTIVE
    return Risk.MEDIUM, Effect.WRITE


class WebhookConnector(GenericConnector):
    """A place that events are sent to."""

    prefix: ClassVar[str] = "webhook"


class TunnelConnector(GenericConnector):
    """A host that is let through without being decrypted: nothing is read, nothing put in."""

    is_tunnel: ClassVar[bool] = True

    def _action(self, request: HttpRequest, fields: Fields) -> Action:  # noqa: ARG002 - nothing is seen but the host
        resource = {"host": request.host, "port": request.port}
        return Action("tunnel.open", resource, dict(resource), Risk.MEDIUM, Effect.WRITE)

    def injection(self, host: str, credential: Credential) -> Injection:  # noqa: ARG002
        return Injection()

    def build(self, action: Action) -> HttpCall:
        raise InvalidValue(f"the action `{action.type}` is a tunnel and cannot be carried out as a request")
