from __future__ import annotations

import pytest
from tests.connectors.asking import FORM, JSON, connector, named, request

from tameflare.connectors.faults import Unreadable
from tameflare.core.action import Action, Effect
from tameflare.core.config import AuthScheme
from tameflare.core.errors import InvalidValue

HOST = "api.example.com"


def test_the_method_is_the_action() -> None:
    (action,) = named(connector("generic", HOST), request("GET", HOST, "/v1/things?a=1&b=x%20y"))
    assert (action.type, action.effect) == ("http.get", Effect.READ)
    assert action.parameters == {"a": "1", "b": "x y", "host": HOST, "path": "/v1/things"}


def test_fields_of_a_json_body_are_parameters_but_never_host_or_path() -> None:
    body = b'{"amount":12345678901234567890,"host":"other"}'
    (action,) = connector("generic", HOST).name(request("POST", HOST, "/pay", body, JSON))
    assert action.parameters == {"amount": 12345678901234567890, "host": HOST, "path": "/pay"}


def test_a_body_is_not_asked_for_unless_a_form_could_override_the_method() -> None:
    subject = connector("generic", HOST)
    assert not subject.classify(request("POST", HOST, "/", None, JSON)).needs_body
    assert subject.classify(request("POST", HOST, "/", None, FORM)).needs_body
    with pytest.raises(Unreadable, match="overrides the method"):
        subject.name(request("POST", HOST, "/", b"a=1&_method=DELETE", FORM))


def test_a_key_in_the_query_is_no_parameter() -> None:
    subject = connector("generic", HOST, auth=AuthScheme.QUERY, auth_name="key")
    (action,) = named(subject, request("GET", HOST, "/?key=abc&q=1"))
    assert action.parameters == {"q": "1", "host": HOST, "path": "/"}


def test_webhooks_and_tunnels_have_their_own_names() -> None:
    (sent,) = named(connector("webhook", HOST), request("POST", HOST, "/hook"))
    (opened,) = named(connector("tunnel", HOST), request("CONNECT", HOST, "/"))
    assert (sent.type, opened.type) == ("webhook.post", "tunnel.open")
    assert connector("tunnel", HOST).is_tunnel
    assert not connector("generic", HOST).is_tunnel


def test_an_action_is_built_only_for_hosts_that_are_named() -> None:
    subject = connector("generic", HOST)
    call = subject.build(Action("http.get", {}, {"path": "/a", "q": "x y"}))
    assert (call.method, call.host, call.path, call.query) == ("GET", HOST, "/a", "q=x+y")
    with pytest.raises(InvalidValue, match="does not name the host"):
        subject.build(Action("http.get", {}, {"host": "evil.example"}))
