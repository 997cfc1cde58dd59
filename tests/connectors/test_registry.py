from __future__ import annotations

import pytest

from tameflare.connectors import registry
from tameflare.core.config import AuthScheme, ConnectorConfig
from tameflare.core.errors import InvalidValue


def _config(**changes: object) -> ConnectorConfig:
    given: dict[str, object] = {"id": "1", "name": "x", "type": "generic", "domains": ("api.example.com",)}
    return ConnectorConfig(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "githib"}, "did you mean `github`"),
        ({"type": "zzz"}, "choose one of"),
        ({"domains": ()}, "needs a domain"),
        ({"domains": ("https://x",)}, "not a domain"),
        ({"domains": ("a..b",)}, "not a domain"),
        ({"domains": ("*.",)}, "not a domain"),
        ({"ports": (0,)}, "not a port"),
        ({"auth": AuthScheme.HEADER}, "needs a name"),
        ({"auth": AuthScheme.HEADER, "auth_name": "a b"}, "needs a name"),
        ({"auth": AuthScheme.HEADER, "auth_name": "Host"}, "cannot stand"),
        ({"type": "github", "auth": AuthScheme.COOKIE, "auth_name": "x"}, "does not take the scheme"),
    ],
)
def test_options_that_do_not_fit_are_said(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        registry.create(_config(**changes))
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", registry.TYPES)
def test_every_type_is_described_and_made(kind: str) -> None:
    described = registry.describe(kind)
    made = registry.create(_config(type=kind))
    assert described.type == made.type == kind
    assert made.domains == ("api.example.com",)


def test_vendors_know_their_hosts() -> None:
    assert registry.create(_config(type="stripe", domains=())).domains == ("api.stripe.com", "files.stripe.com")
    assert registry.describe("openai").domains == ("api.openai.com",)
    assert registry.describe("generic").domains == ()


@pytest.mark.parametrize(
    "domain", ["localhost", "*.example.com", "Api.Example.COM", "10.0.0.1", "::1", "xn--bcher-kva.de"]
)
def test_domains_that_are_taken(domain: str) -> None:
    assert registry.create(_config(domains=(domain,))).domains == (domain.lower(),)
