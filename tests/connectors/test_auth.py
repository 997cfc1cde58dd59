from __future__ import annotations

import base64

import pytest
from tests.connectors.asking import connector

from tameflare.connectors.auth import SentKey, credential_kind, strip_cookies, strip_query
from tameflare.connectors.placeholders import bound_to, placeholder, variables
from tameflare.connectors.registry import check_credential
from tameflare.core.config import AuthScheme
from tameflare.core.errors import InvalidValue
from tameflare.link.messages import OpenCredential

KEY = OpenCredential("c1", "k-123")
HOST = "api.example.com"


def _basic(pair: str) -> bytes:
    return b"Authorization: Basic " + base64.b64encode(pair.encode()) + b"\r\n"


@pytest.mark.parametrize(
    ("kind", "host", "auth", "line"),
    [
        ("github", "api.github.com", AuthScheme.VENDOR, b"Authorization: token k-123\r\n"),
        ("github", "uploads.github.com", AuthScheme.VENDOR, b"Authorization: token k-123\r\n"),
        ("github", "github.com", AuthScheme.VENDOR, _basic("x-access-token:k-123")),
        ("openai", "api.openai.com", AuthScheme.VENDOR, b"Authorization: Bearer k-123\r\n"),
        ("anthropic", "api.anthropic.com", AuthScheme.VENDOR, b"x-api-key: k-123\r\n"),
        ("anthropic", "api.anthropic.com", AuthScheme.BEARER, b"Authorization: Bearer k-123\r\n"),
        ("stripe", "api.stripe.com", AuthScheme.VENDOR, b"Authorization: Bearer k-123\r\n"),
        ("stripe", "api.stripe.com", AuthScheme.BASIC, _basic("k-123:")),
        ("slack", "slack.com", AuthScheme.VENDOR, b"Authorization: Bearer k-123\r\n"),
    ],
)
def test_each_vendor_has_its_scheme(kind: str, host: str, auth: AuthScheme, line: bytes) -> None:
    subject = connector(kind, auth=auth)
    assert subject.injection(host, KEY).header_lines == line
    assert line.partition(b":")[0].lower() in subject.strip.headers


def test_schemes_of_generic() -> None:
    def made(auth: AuthScheme, name: str = "") -> tuple[object, object]:
        subject = connector("generic", HOST, auth=auth, auth_name=name)
        return subject.injection(HOST, OpenCredential("c1", "a b&c", "ann")), subject.strip

    injection, strip = made(AuthScheme.QUERY, "key")
    assert injection.query == (("key", "a%20b%26c"),)
    assert "key" in strip.query
    injection, strip = made(AuthScheme.COOKIE, "sid")
    assert injection.cookies == (("sid", "a%20b&c"),)
    assert "sid" in strip.cookies
    injection, strip = made(AuthScheme.HEADER, "X-Key")
    assert injection.header_lines == b"X-Key: a b&c\r\n"
    assert b"x-key" in strip.headers
    injection, strip = made(AuthScheme.BASIC)
    assert injection.header_lines == _basic("ann:a b&c")
    assert b"authorization" in strip.headers


def test_an_injection_does_not_print() -> None:
    assert "k-123" not in repr(connector("openai").injection("api.openai.com", KEY))


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "a\x00", "é"])
def test_a_key_that_would_break_the_head_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue, match="cannot stand in the header"):
        connector("openai").injection("api.openai.com", OpenCredential("c1", value))
    with pytest.raises(InvalidValue, match="cannot stand in the header"):
        check_credential(connector("github").config, OpenCredential("c1", value))


@pytest.mark.parametrize("kind", ["openai", "generic", "github"])
def test_method_overrides_are_always_taken_out(kind: str) -> None:
    strip = connector(kind, HOST).strip
    assert {b"x-http-method-override", b"x-method-override", b"x-http-method"} <= strip.headers
    assert "_method" in strip.query


@pytest.mark.parametrize("kind", ["openai", "anthropic", "github", "stripe", "slack", "generic"])
@pytest.mark.parametrize("name", ["main", "a.b-c_d", "x_placeholder"])
def test_a_placeholder_is_found_again_wherever_it_stands(kind: str, name: str) -> None:
    made = placeholder(kind, name)
    pair = base64.b64encode(f"x-access-token:{made}".encode()).decode()
    for value in (made, f"Bearer {made}", f"token {made}", f"Basic {pair}", f"basic {pair.rstrip('=')}"):
        assert bound_to(value) == name
        assert bound_to(value.encode()) == name
    assert made.isascii()


@pytest.mark.parametrize("value", ["", "Bearer sk-123", "Basic !!!", "Basic", "tameflare_", "Basic /w=="])
def test_other_values_are_no_placeholders(value: str) -> None:
    assert bound_to(value) is None


def test_what_an_agent_sent_is_told_apart() -> None:
    ours = placeholder("openai", "openai")
    assert credential_kind("", ["openai"]) is SentKey.NOTHING
    assert credential_kind(f"Bearer {ours}", ["openai"]) is SentKey.PLACEHOLDER
    assert credential_kind(f"Bearer {ours}".encode(), ["other"]) is SentKey.FOREIGN_PLACEHOLDER
    assert credential_kind("Bearer none", ["openai"]) is SentKey.DUMMY
    assert credential_kind("Bearer sk-proj-0123456789abcdef", ["openai"]) is SentKey.KEY


def test_variables_of_vendors() -> None:
    assert variables("github") == ("GITHUB_TOKEN", "GH_TOKEN")
    assert variables("generic") == ()


def test_query_and_cookies_lose_only_what_is_named() -> None:
    assert strip_query("a=1&%74oken=x&token[]=y&b=%20", frozenset({"token"})) == "a=1&b=%20"
    assert strip_cookies("a=1; sid=x;b=2", frozenset({"sid"})) == "a=1; b=2"
