"""Connectors and their credentials, over HTTP."""

from __future__ import annotations

import httpx
import pytest
from tests.control.running import GATEWAYS, Running

from tameflare.connectors.placeholders import placeholder
from tameflare.core.roles import Role

PATH = f"{GATEWAYS}/main/connectors"
SECRET = "ghp_0123456789abcdefghijklmnop9876"


@pytest.fixture(scope="module")
def main(owner: httpx.Client) -> str:
    owner.post(GATEWAYS, json={"name": "main"})
    return PATH


def fields(response: httpx.Response) -> list[str]:
    assert response.status_code == 422, response.text
    return [fault["field"] for fault in response.json()["faults"]]


def test_a_connector_is_made_read_changed_and_removed(owner: httpx.Client, main: str) -> None:
    body = {"type": "generic", "name": "intra", "domains": ["API.intra.test"], "ports": [8443], "auth": "bearer"}
    made = owner.post(main, json=body)
    assert made.status_code == 201, made.text
    assert (made.json()["domains"], made.json()["credential_set"]) == (["api.intra.test"], False)
    assert made.json()["strict_mask"] is False
    change = {"allow_addresses": ["10.0.0.0/8"], "identify": True, "strict_mask": True}
    changed = owner.patch(f"{main}/intra", json=change).json()
    assert changed == made.json() | change
    assert owner.get(f"{main}/intra").json() == changed
    assert owner.delete(f"{main}/intra").status_code == 204
    assert owner.get(f"{main}/intra").status_code == 404


def test_all_faults_are_told_at_once_with_what_was_meant(owner: httpx.Client, main: str) -> None:
    body = {"type": "githb", "domains": ["https://x", "ok.test"], "ports": [0], "allow_addresses": ["ten"]}
    refused = owner.post(main, json=body)
    assert fields(refused) == ["domains.0", "allow_addresses.0", "ports.0", "type"]
    assert "did you mean `github`" in refused.text


def test_endpoints_belong_to_mcp_servers_alone(owner: httpx.Client, main: str) -> None:
    server = {"type": "mcp", "name": "tracker", "domains": ["mcp.test"], "paths": ["/api/mcp"]}
    assert owner.post(main, json=server).json()["paths"] == ["/api/mcp"]
    assert owner.patch(f"{main}/tracker", json={"paths": []}).json()["paths"] == []
    assert fields(owner.patch(f"{main}/tracker", json={"paths": ["mcp?x"]})) == ["paths"]
    assert fields(owner.post(main, json=server | {"type": "generic", "name": "other"})) == ["paths"]
    assert owner.delete(f"{main}/tracker").status_code == 204


def test_a_type_without_a_vendor_needs_a_domain(owner: httpx.Client, main: str) -> None:
    assert fields(owner.post(main, json={"type": "generic", "auth": "bearer"})) == ["domains"]


def test_a_scheme_that_does_not_fit_is_refused(owner: httpx.Client, main: str) -> None:
    assert fields(owner.post(main, json={"type": "github", "auth": "cookie"})) == ["auth"]
    assert fields(owner.post(main, json={"type": "generic", "domains": ["x.test"], "auth": "header"})) == ["auth"]


def test_a_faulty_change_leaves_the_connector_as_it_was(owner: httpx.Client, main: str) -> None:
    before = owner.post(main, json={"type": "openai"}).json()
    assert fields(owner.patch(f"{main}/openai", json={"domains": ["*"]})) == ["domains.0"]
    assert owner.get(f"{main}/openai").json() == before


def test_a_credential_goes_in_and_is_shown_masked(owner: httpx.Client, main: str) -> None:
    made = owner.post(main, json={"type": "github", "secret": SECRET})
    assert made.json()["credential_set"] is True
    assert SECRET not in made.text
    path = f"{main}/github/credential"
    shown = owner.get(path).json()
    assert (shown["masked"], shown["sealed"], shown["problem"]) == ("ghp…****9876", True, "")
    changed = owner.put(path, json={"value": "short-key"}).json()
    assert changed["masked"] == "****"
    assert owner.delete(path).status_code == 204
    assert owner.get(path).json()["set"] is False
    assert owner.delete(path).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"domains": ["api.first.test", "evil.test"]}, "domains"),
        ({"domains": ["*.first.test"]}, "domains"),
        ({"ports": [443, 8443]}, "ports"),
        ({"allow_plaintext": True}, "allow_plaintext"),
    ],
)
def test_a_stored_credential_is_not_led_elsewhere(
    owner: httpx.Client, main: str, change: dict[str, object], field: str
) -> None:
    first = {"type": "generic", "name": "first", "domains": ["api.first.test", "b.first.test"], "auth": "bearer"}
    made = owner.post(main, json=first | {"secret": SECRET}).json()
    path = f"{main}/first"
    assert fields(owner.patch(path, json=change)) == [field]
    assert owner.get(path).json() == made
    assert owner.patch(path, json={"domains": ["b.first.test"]}).status_code == 200
    assert owner.patch(path, json=change | {"secret": SECRET}).status_code == 200
    owner.delete(f"{path}/credential")
    assert owner.patch(path, json={"domains": ["third.test"], "ports": [1]}).status_code == 200
    owner.delete(path)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
def test_members_and_viewers_see_no_credential(server: Running, main: str, role: Role) -> None:
    person = server.person(role)
    for answer in (
        person.get(f"{main}/github/credential"),
        person.put(f"{main}/github/credential", json={"value": "x"}),
        person.delete(f"{main}/github/credential"),
    ):
        assert answer.status_code == 403
        assert answer.json() == {"error": "Forbidden", "required_role": "admin", "your_role": role.value}


@pytest.mark.parametrize("value", ["two\nlines", "", "nul\0", placeholder("openai", "openai")])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(owner: httpx.Client, main: str, value: str) -> None:
    owner.post(main, json={"type": "anthropic"})
    refused = owner.put(f"{main}/anthropic/credential", json={"value": value})
    assert fields(refused) == ["value"]
    assert not value or value not in refused.text


@pytest.mark.parametrize("value", ["sk-k\u0131y-0123456789", "key with blank behind "])
def test_a_key_that_cannot_stand_in_a_header_is_refused_when_it_is_stored(
    owner: httpx.Client, main: str, value: str
) -> None:
    body = {"type": "generic", "name": "strict", "domains": ["strict.test"], "auth": "bearer"}
    refused = owner.post(main, json=body | {"secret": value})
    assert fields(refused) == ["secret"]
    assert "cannot stand in the header `Authorization`" in refused.text
    assert value not in refused.text
    assert owner.post(main, json=body).status_code == 201
    assert fields(owner.put(f"{main}/strict/credential", json={"value": value})) == ["value"]
    assert fields(owner.patch(f"{main}/strict", json={"secret": value})) == ["secret"]
    assert owner.get(f"{main}/strict").json()["credential_set"] is False
    owner.delete(f"{main}/strict")


def test_a_scheme_that_the_stored_key_does_not_fit_is_refused(owner: httpx.Client, main: str) -> None:
    body = {"type": "generic", "name": "loose", "domains": ["loose.test"], "auth": "basic", "secret": "pässwort"}
    made = owner.post(main, json=body | {"username": "me"})
    assert made.status_code == 201, made.text
    path = f"{main}/loose"
    assert fields(owner.patch(path, json={"auth": "bearer"})) == ["auth"]
    assert owner.get(path).json() == made.json()
    assert owner.patch(path, json={"auth": "bearer", "secret": "plain-key"}).status_code == 200
    owner.delete(path)


def test_the_catalogue_names_every_type(owner: httpx.Client) -> None:
    found = {entry["type"]: entry for entry in owner.get("/api/dashboard/catalog").json()["items"]}
    assert {"github", "openai", "anthropic", "stripe", "slack", "generic", "webhook", "tunnel"} <= found.keys()
    assert "api.github.com" in found["github"]["domains"]
    assert "OPENAI_API_KEY" in found["openai"]["variables"]
