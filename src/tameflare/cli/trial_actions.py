"""Actions as trials write them: by their type, or as the request that an agent would send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from tameflare.connectors import registry
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.table import vendor_routes
from tameflare.core.action import Action, Effect, Risk
from tameflare.core.config import ConnectorConfig
from tameflare.core.errors import InvalidValue
from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.facts import Circumstances, Facts, RequestFacts
from tameflare.core.policy.form import Form, mapping
from tameflare.core.policy.model import Total
from tameflare.core.policy.nodes import Faults, Mapping, Node, Scalar, Sequence
from tameflare.core.policy.read_totals import total_of
from tameflare.core.policy.read_windows import zones
from tameflare.core.policy.source import read

_KEYS: Final = (
    *("type", "resource", "parameters", "risk", "effect"),
    *("request", "json", "form", "body", "content_type", "connector_type"),
    *("agent", "gateway", "connector", "risk_hints", "time", "timezone", "totals"),
)
_AGENT: Final = ("name", "id", "environment")
_INSTEAD: Final = {"action": "type", "params": "parameters", "url": "request", "now": "time", "environment": "agent"}
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_PORTS: Final = {"https": 443, "http": 80}
NOON: Final = datetime(2026, 1, 7, 12, tzinfo=UTC)
"""The moment of a trial that names none: a Wednesday."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a trial asks about: the facts of every action, all of one request; `timezone` is the installation's.

    `totals` are those that were written; one that was not is as if this request were the first.
    """

    facts: tuple[Facts, ...]
    timezone: str
    totals: dict[Total, Decimal]


def read_action(text: str, line: int) -> Asked:
    """Raises InvalidValue with the first fault, and where it is."""
    faults = Faults()
    node = read(text, line, faults)
    found = mapping(node, "an action", faults) if node is not None else None
    asked = _Reader(Form(found, "an action", _KEYS, faults, _INSTEAD), faults).asked() if found else None
    if len(faults) or asked is None:
        told = faults.told()
        where, message, help_ = (told[0].line, told[0].message, told[0].help) if told else (line, "no action", "")
        raise InvalidValue(f"line {where}: {message}", help_ or "write `type` or `request`")
    return asked


def plain(node: Node) -> Any:
    """A node as JSON would have it."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, (_, value) in node.entries.items()}


class _Reader:
    """Reads the form of one action; faults are added to `faults`."""

    def __init__(self, form: Form, faults: Faults) -> None:
        self._form = form
        self._faults = faults

    def asked(self) -> Asked | None:
        request = self._request()
        actions = self._named(request) if request else [] if self._form.has("request") else self._written()
        agent = self._agent()
        timezone = self._timezone()
        circumstances = Circumstances(self._time(timezone), _facts_of(request), self._mapping("risk_hints"))
        totals = self._totals()
        if len(self._faults):
            return None
        gateway = self._text("gateway", "my-gateway")
        facts = (
            Facts(action, *agent, gateway, self._text("connector", action.type.partition(".")[0]), circumstances)
            for action in actions
        )
        return Asked(tuple(facts), timezone, totals)

    def _text(self, key: str, default: str = "") -> str:
        return self._form.text(key, limits.TEXT, default)

    def _mapping(self, key: str) -> dict[str, Any]:
        node = self._form.node(key)
        found = None if node is None else mapping(node, f"`{key}`", self._faults)
        return plain(found) if found else {}

    def _fault(self, key: str, message: str, help_: str) -> None:
        self._faults.add(self._form.key(key), message, help_)

    # --- by type ------------------------------------------------------------------------------------------------------

    def _written(self) -> list[Action]:
        type_ = self._text("type")
        if not type_:
            self._fault("type", "neither `type` nor `request` is there", "write one of them")
        known = next((row for row in _rows(type_) if row.type == type_), None)
        risk = self._word("risk", Risk, known.risk if known else Risk.MEDIUM)
        effect = self._word("effect", Effect, known.effect if known else Effect.WRITE)
        return [Action(type_, self._mapping("resource"), self._mapping("parameters"), Risk(risk), Effect(effect))]

    def _word(self, key: str, kind: type[Risk | Effect], default: str) -> str:
        word = self._text(key, default)
        known = [each.value for each in kind]
        if word in known:
            return word
        self._fault(key, f"no {key} {quoted(word)}", meant(word, known))
        return default

    # --- by request ---------------------------------------------------------------------------------------------------

    def _request(self) -> HttpRequest | None:
        written = self._text("request")
        if not written:
            return None
        method, _, address = written.partition(" ")
        url = urlsplit(address.strip())
        if not (method.isalpha() and url.scheme in _PORTS and url.hostname):
            self._fault("request", f"no request {quoted(written)}", "write it as `GET https://api.github.com/user`")
            return None
        content_type, body = self._body()
        headers = [(b"content-type", b"Content-Type", content_type.encode())] if content_type else []
        port = url.port or _PORTS[url.scheme]
        return HttpRequest(
            method.upper(), url.scheme, url.hostname, port, url.path or "/", url.query, headers, body or None
        )

    def _body(self) -> tuple[str, bytes]:
        if self._form.has("json"):
            node = self._form.node("json")
            assert node is not None
            return _JSON, json.dumps(plain(node)).encode()
        if self._form.has("form"):
            return _FORM, urlencode(
                [(name, _form_value(value)) for name, value in self._mapping("form").items()]
            ).encode()
        node = self._form.node("body")
        body = node.value if isinstance(node, Scalar) else ""
        if node is not None and not isinstance(body, str):
            self._fault("body", "the body is no text", "write `json` or `form`, or put it in quotes")
        return self._text("content_type"), str(body).encode()

    def _named(self, request: HttpRequest) -> list[Action]:
        """As the proxy names it, once its body is read."""
        type_ = self._text("connector_type") or _connector_type(request.host)
        try:
            domains = () if type_ in registry.VENDORS else (request.host,)
            connector = registry.create(ConnectorConfig("c", type_, type_, domains))
            return list(connector.name(request))
        except InvalidValue as fault:
            self._fault("connector_type", fault.message, fault.help)
        except Unreadable as fault:
            self._fault("request", f"the request cannot be read: {fault}", "write it as an agent would send it")
        return []

    # --- circumstances ------------------------------------------------------------------------------------------------

    def _agent(self) -> tuple[str, str, str]:
        """Id, name, environment."""
        node = self._form.node("agent")
        if not isinstance(node, Mapping):
            return "agt_1", self._text("agent", "my-agent"), "production"
        form = Form(node, "`agent`", _AGENT, self._faults)
        defaults = {"id": "agt_1", "name": "my-agent", "environment": "production"}
        id_, name, environment = (form.text(key, limits.TEXT, default) for key, default in defaults.items())
        return id_, name, environment

    def _timezone(self) -> str:
        name = self._text("timezone", "UTC")
        if name in zones():
            return name
        self._fault("timezone", f"no time zone {quoted(name)}", "write an IANA name, as `Europe/Berlin`")
        return "UTC"

    def _time(self, timezone: str) -> float:
        """Unix seconds; a time without an offset is in the trial's zone."""
        written = self._text("time")
        if not written:
            return NOON.timestamp()
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            self._fault("time", f"no time {quoted(written)}", "write it as `2026-11-22T09:30` or `2026-11-22T09:30Z`")
            return 0.0
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))).timestamp()

    def _totals(self) -> dict[Total, Decimal]:
        node = self._form.node("totals")
        body = None if node is None else mapping(node, "`totals`", self._faults)
        found = {}
        for written, (key, value) in body.entries.items() if body else ():
            total = total_of(key, written, self._faults)
            if not isinstance(value, Scalar) or isinstance(value.value, bool | str | None):
                self._faults.add(value, "a total is no number", "write what it comes to, this request included")
            elif total is not None:
                found[total] = Decimal(value.text)
        return found


def _rows(type_: str) -> tuple[Any, ...]:
    vendor = type_.partition(".")[0]
    return vendor_routes(vendor).rows if vendor in registry.VENDORS else ()


def _connector_type(host: str) -> str:
    """The vendor that has this host, or `generic`."""
    return next((name for name in registry.VENDORS if host in registry.describe(name).domains), "generic")


def _form_value(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _facts_of(request: HttpRequest | None) -> RequestFacts | None:
    if request is None:
        return None
    content_type = request.header(b"content-type")
    return RequestFacts(
        request.method, request.scheme, request.host, request.port, request.path, request.query, content_type
    )
