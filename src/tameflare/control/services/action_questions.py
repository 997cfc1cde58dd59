"""What an agent asks, read from a body with every fault at once; nothing that was sent is believed before this."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from tameflare.connectors import asked
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.strict_json import parse_json
from tameflare.control.services.faults import Fault, Invalid, TooLarge
from tameflare.core import canonical
from tameflare.core.action import Risk

FIELDS: Final = ("type", "resource", "parameters", "connector", "risk_hints", "webhook_url")
_BESIDE: Final = ("connector", "risk_hints", "webhook_url")
LARGEST: Final = 256 << 10
"""Bytes of a body: others wait while it is read."""
LONGEST_TYPE: Final = 300
LONGEST_URL: Final = 2048
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9_\-]*(?:\.[A-Za-z0-9_\-]+)+")
_CONNECTOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class Question(msgspec.Struct, frozen=True):
    """`connector` names an instance, empty: none named. `spec_hash` names type, resource and parameters, `body_hash`
    everything that was sent."""

    type: str
    resource: dict[str, Any]
    parameters: dict[str, Any]
    risk_hints: dict[str, Any]
    connector: str
    webhook_url: str
    spec_hash: str
    body_hash: str


def read(body: bytes, webhook_hosts: Collection[str]) -> Question:
    """Raises TooLarge, and Invalid with everything that is wrong. `webhook_hosts` are those that somebody may be told
    at."""
    if len(body) > LARGEST:
        raise TooLarge(LARGEST)
    try:
        sent = parse_json(body)
    except Unreadable as fault:
        raise Invalid([Fault("", fault.message, "send one JSON object in UTF-8, each name once")]) from None
    if not isinstance(sent, dict):
        raise Invalid([Fault("", "the body is no JSON object", "send `type`, `resource` and `parameters`")])
    return of(sent, webhook_hosts)


def of(sent: dict[str, Any], webhook_hosts: Collection[str]) -> Question:
    """The question in a decoded body. Raises Invalid with everything that is wrong."""
    faults = list(_faults(sent, webhook_hosts))
    if faults:
        raise Invalid(faults)
    resource, parameters = sent.get("resource", {}), sent.get("parameters", {})
    spec_hash = canonical.spec_hash(sent["type"], resource, parameters)
    rest = {name: sent[name] for name in _BESIDE if name in sent}
    return Question(
        type=sent["type"],
        resource=resource,
        parameters=parameters,
        risk_hints=sent.get("risk_hints", {}),
        connector=sent.get("connector", ""),
        webhook_url=sent.get("webhook_url", ""),
        spec_hash=spec_hash,
        body_hash=canonical.digest([spec_hash, rest]) if rest else spec_hash,
    )


def check_key(key: str | None) -> str | None:
    """An idempotency key as it was sent. Raises Invalid."""
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid([Fault("Idempotency-Key", "this is no key", "send 1 to 255 visible ASCII characters")])
    return key


def _faults(sent: dict[str, Any], webhook_hosts: Collection[str]) -> Iterator[Fault]:
    for name in sent:
        if name not in FIELDS:
            yield Fault(_shown(name), "unknown field", f"fields are {', '.join(FIELDS)}")
    yield from _type_faults(sent)
    objects = True
    for name in ("resource", "parameters", "risk_hints"):
        if not isinstance(sent.get(name, {}), dict):
            objects = False
            yield Fault(name, "this is no object", 'write it as `{"name": value}`')
    if not canonical.is_plain(sent):
        for path, message in canonical.problems({name: sent[name] for name in FIELDS if name in sent}):
            yield Fault(path, message)
    if objects and _is_type(sent.get("type")):
        resource, parameters = sent.get("resource", {}), sent.get("parameters", {})
        for path, message in asked.contradictions(sent["type"], resource, parameters):
            yield Fault(path, message, "say it once")
    yield from _hint_faults(sent.get("risk_hints", {}))
    connector = sent.get("connector", "")
    if connector != "" and not (isinstance(connector, str) and _CONNECTOR.fullmatch(connector)):
        yield Fault("connector", "this is no name of a connector", "leave it out unless the gateway has several")
    if "webhook_url" in sent:
        yield from _webhook_faults(sent["webhook_url"], webhook_hosts)


def _type_faults(sent: dict[str, Any]) -> Iterator[Fault]:
    if "type" not in sent:
        yield Fault("type", "this is missing", "name the action, as `github.pr.merge`")
    elif not _is_type(sent["type"]):
        yield Fault("type", "this is no action type", "write words between dots, as `github.pr.merge`")


def _is_type(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TYPE and _TYPE.fullmatch(value) is not None


def _hint_faults(hints: object) -> Iterator[Fault]:
    """What is known must be right; the rest is what policies may read."""
    if not isinstance(hints, dict):
        return
    if "risk" in hints and hints["risk"] not in tuple(Risk):
        yield Fault("risk_hints.risk", "this is no risk", "write `low`, `medium` or `high`")
    score = hints.get("risk_score", 0)
    if not isinstance(score, int) or isinstance(score, bool) or not 0 <= score <= 100:
        yield Fault("risk_hints.risk_score", "this is no score", "write a whole number from 0 to 100")


def _webhook_faults(url: object, hosts: Collection[str]) -> Iterator[Fault]:
    """An agent that could name any address could carry data out by it."""
    advice = "leave it out, or have an administrator add the host to TF_WEBHOOK_HOSTS"
    if not isinstance(url, str) or len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        yield Fault("webhook_url", "this is no URL", "write `https://host/path`")
        return
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        yield Fault("webhook_url", "this is no URL", "write `https://host/path`")
        return
    if parts.scheme != "https" or parts.username is not None or parts.password is not None or " " in url:
        yield Fault("webhook_url", "this is no `https` URL without a user", "write `https://host/path`")
    elif "?" in url or "#" in url or port not in (None, 443):
        yield Fault("webhook_url", "a query, a fragment and a port cannot stand here", "write `https://host/path`")
    elif host not in hosts:
        yield Fault("webhook_url", "nobody is told at this host", advice)


def _shown(name: str) -> str:
    """A name as it may stand in an answer."""
    return name[:64].encode("utf-8", "replace").decode()
