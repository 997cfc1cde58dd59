"""An agent that holds no key of a vendor has things done there: asked, decided, carried out, on record."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.support.product import GATEWAY, Governed

AT = f"/api/dashboard/gateways/{GATEWAY}"


class Asking:
    def __init__(self, governed: Governed, kind: str) -> None:
        key = governed.product.api("POST", f"{AT}/agents/default/keys", {"kind": kind})["key"]
        self.url = governed.product.server
        self._headers = {"Authorization": f"Bearer {key}"}

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        url = f"{self.url}/api/v1/actions{path}"
        return httpx.post(url, json=body, headers=self._headers, timeout=30, trust_env=False)

    def do(self, kind: str, parameters: dict[str, Any]) -> tuple[dict[str, Any], httpx.Response]:
        """Ask, and have it carried out."""
        asked = self.post("", {"type": kind, "parameters": parameters}).json()
        body = {"decision_token": asked.get("decision_token", "")}
        return asked, self.post(f"/{asked['action_request_id']}/execute", body)


@pytest.fixture(scope="module")
def agent(governed: Governed) -> Asking:
    return Asking(governed, "live")


def test_what_is_allowed_is_done_with_the_vaults_key(governed: Governed, agent: Asking) -> None:
    pull = {"owner": "acme", "repo": "site", "title": "By execute", "head": "f", "base": "main"}
    with governed.upstream("api.github.com") as reached:
        asked, answer = agent.do("github.pr.create", pull)
        assert reached() == ["POST /repos/acme/site/pulls"]
    done = answer.json()
    assert (answer.status_code, done["status"], done["response"]["status"]) == (200, "executed", 201)
    keys = httpx.get(f"{agent.url}/.well-known/jwks.json", trust_env=False).json()
    claims = jwt.decode(asked["decision_token"], KeySet.import_key_set(keys), algorithms=["ES256"]).claims
    assert (claims["iss"], claims["aud"], claims["sub"]) == (agent.url, GATEWAY, "default")
    row = governed.record(lambda row: row["request_id"] == done["outcome"]["request_id"])
    assert (row["actions"][0]["type"], row["status"], "execute" in row["flags"]) == ("github.pr.create", 201, True)


def test_form_encoded_vendors_are_told_in_their_own_way(governed: Governed, agent: Asking) -> None:
    _, answer = agent.do("stripe.customer.create", {"email": "ada@example.com", "metadata": {"plan": "pro"}})
    assert answer.json()["status"] == "executed", answer.text


def test_what_is_denied_has_no_token_and_is_not_done(governed: Governed, agent: Asking) -> None:
    with governed.upstream("api.github.com") as reached:
        asked, answer = agent.do("github.pr.merge", {"owner": "acme", "repo": "site", "pull_number": 1})
        assert (asked["status"], answer.status_code) == ("denied", 422)
        assert reached() == []


def test_a_test_key_has_nothing_done(governed: Governed) -> None:
    with governed.upstream("api.github.com") as reached:
        _, answer = Asking(governed, "test").do("github.issue.create", {"owner": "acme", "repo": "site", "title": "T"})
        assert answer.json()["request"]["url"] == "https://api.github.com/repos/acme/site/issues"
        assert reached() == []
