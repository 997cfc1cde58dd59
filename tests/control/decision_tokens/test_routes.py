"""Decision tokens over HTTP: the public keys, who may use a token up, and rotation by people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.control.running import GATEWAYS, Running, running

from tameflare.control.store import users
from tameflare.core.roles import Role, Scope

ON_BOTH = True

JWKS = "/.well-known/jwks.json"
VERIFY = "/api/v1/tokens/verify"
ACTION: dict[str, Any] = {"type": "email.send", "resource": {"to": "ada@example.com"}, "parameters": {"amount": 12.5}}


class Desk:
    """A server with an agent `worker` that may send e-mail, another agent, and a service that verifies."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.owner = server.owner()
        self._post(GATEWAYS, {"name": "main"})
        self._post(f"{GATEWAYS}/main/rules", {"connector": "custom", "pattern": "**", "decision": "allow"})
        self.agent, self.other = (server.client(self._key(name)) for name in ("worker", "another"))
        self.service = server.client(self.token(Scope.VERIFY))

    def _post(self, path: str, body: object) -> Any:
        given = self.owner.post(path, json=body)
        assert given.is_success, given.text
        return given.json()

    def _key(self, name: str) -> str:
        self._post(f"{GATEWAYS}/main/agents", {"name": name})
        return str(self._post(f"{GATEWAYS}/main/agents/{name}/keys", {})["key"])

    def token(self, scope: Scope, role: Role = Role.OWNER) -> str:
        """A personal access token with one scope."""
        services = self.server.services
        email = f"{role}-{scope}-{services.context.new_id('x')}@example.com"
        person = users.User(services.context.new_id("usr"), "P", email, role, "no password", 1)
        services.database.write_now(lambda connection: users.add(connection, person))
        return self.server.call(services.tokens.make(person, "t", [scope], 90))[0]

    def ask(self) -> str:
        asked = self.agent.post("/api/v1/actions", json=ACTION).json()
        return str(asked["decision_token"])

    def use(self, text: str, by: httpx.Client, **action: object) -> httpx.Response:
        return by.post(VERIFY, json={"decision_token": text, "action": {**ACTION, **action}})

    def raw(self, body: str) -> httpx.Response:
        return self.service.post(VERIFY, content=body, headers={"content-type": "application/json"})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("desk")) as server:
        yield Desk(server)


def test_anybody_may_have_the_public_keys_and_keep_them_for_a_while(desk: Desk) -> None:
    answer = desk.server.client().get(JWKS)
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    found = jwt.decode(desk.ask(), KeySet.import_key_set(answer.json()), algorithms=["ES256"])
    assert (found.header["kid"], found.claims["aud"], found.claims["sub"]) == (key["kid"], "main", "worker")


def test_a_service_and_the_agent_itself_may_use_a_token_up_and_others_may_not(desk: Desk) -> None:
    for caller in (desk.service, desk.agent):
        text = desk.ask()
        assert desk.use(text, desk.other).json()["code"] == "forbidden"
        refused = desk.use(text, caller, parameters={"amount": 13})
        assert (refused.status_code, refused.json()["code"]) == (422, "action_mismatch")
        assert refused.json()["faults"][0]["field"] == "decision_token"
        done = desk.use(text, caller)
        assert (done.status_code, done.json()["valid"], done.json()["agent"]) == (200, True, "worker")
        spent = desk.use(text, caller)
        assert (spent.status_code, spent.json()["code"]) == (409, "token_spent")
        asked = desk.agent.get(f"/api/v1/actions/{done.json()['action_request_id']}").json()
        assert (asked["status"], asked["outcome"]) == ("executed", {"code": "verified"})


def test_an_action_of_no_vendor_is_not_carried_out_by_the_gateway(desk: Desk) -> None:
    asked = desk.agent.post("/api/v1/actions", json=ACTION).json()
    body = {"decision_token": asked["decision_token"]}
    refused = desk.agent.post(f"/api/v1/actions/{asked['action_request_id']}/execute", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "not_executable")
    assert "do it yourself" in refused.json()["help"]
    assert desk.use(asked["decision_token"], desk.agent).status_code == 200


def test_a_person_needs_the_scope_and_the_role(desk: Desk) -> None:
    text = desk.ask()
    for scope in (scope for scope in Scope if scope is not Scope.VERIFY):
        refused = desk.use(text, desk.server.client(desk.token(scope)))
        assert (refused.status_code, refused.json()["required_scope"]) == (403, "verify")
    viewer = desk.use(text, desk.server.client(desk.token(Scope.VERIFY, Role.VIEWER)))
    assert (viewer.status_code, viewer.json()["required_role"]) == (403, "member")
    assert desk.use(text, desk.server.client()).status_code == 401
    assert desk.use(text, desk.server.client(text)).status_code == 401
    assert desk.use(text, desk.server.client(desk.token(Scope.VERIFY, Role.MEMBER))).status_code == 200


def test_what_a_test_key_asked_for_is_accepted_only_where_that_is_said(desk: Desk) -> None:
    key = desk._post(f"{GATEWAYS}/main/agents/worker/keys", {"kind": "test"})["key"]
    text = desk.server.client(key).post("/api/v1/actions", json=ACTION).json()["decision_token"]
    refused = desk.use(text, desk.service)
    assert (refused.status_code, refused.json()["code"]) == (422, "test_token")
    body = {"decision_token": text, "action": ACTION, "accept_test": True}
    assert desk.service.post(VERIFY, json=body).status_code == 200


def test_the_action_is_compared_by_its_canonical_form(desk: Desk) -> None:
    text = desk.ask()
    body = json.dumps({"action": ACTION, "decision_token": text}).replace("12.5", "1.25e1").replace(": {", " :\n {")
    assert desk.raw(body).status_code == 200
    twice = '{"decision_token": "x", "action": {"type": "a", "parameters": {"n": 1, "n": 2}}}'
    assert desk.raw(twice).status_code == 422
    large = {"decision_token": "x", "action": {"type": "a", "parameters": {"n": 2**60}}}
    assert desk.service.post(VERIFY, json=large).status_code == 422
    unknown = {"decision_token": "x", "action": ACTION, "more": 1}
    assert [fault["field"] for fault in desk.service.post(VERIFY, json=unknown).json()["faults"]] == ["more"]


def test_of_a_hundred_calls_at_once_one_gets_200(desk: Desk) -> None:
    text = desk.ask()
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda at: desk.use(text, (desk.service, desk.agent)[at % 2]), range(100)))
    assert sorted(answer.status_code for answer in answers) == [200] + 99 * [409]


def test_an_admin_rotates_and_tokens_of_the_former_key_stay_good(desk: Desk) -> None:
    text = desk.ask()
    (former,) = desk.owner.get("/api/dashboard/signing-keys").json()["items"]
    assert (former["signs"], former["source"], former["accepted_until"]) == (True, "vault", None)
    made = desk.owner.post("/api/dashboard/signing-keys/rotate")
    assert made.status_code == 201
    listed = desk.owner.get("/api/dashboard/signing-keys").json()["items"]
    assert [key["kid"] for key in listed] == [made.json()["kid"], former["kid"]]
    assert [key["signs"] for key in listed] == [True, False]
    assert listed[1]["accepted_until"] == int(desk.server.clock()) + 600
    published = [key["kid"] for key in desk.server.client().get(JWKS).json()["keys"]]
    assert published == [key["kid"] for key in listed]
    assert desk.use(text, desk.service).status_code == 200
    assert desk.use(desk.ask(), desk.service).status_code == 200
    desk.server.clock.now += 600
    assert len(desk.server.client().get(JWKS).json()["keys"]) == 1


def test_a_token_is_in_no_log_nor_list(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    text = desk.ask()
    assert text not in desk.agent.get("/api/v1/actions").text
    desk.use(text, desk.other)
    desk.use(text, desk.service)
    assert text.rpartition(".")[2] not in "".join(capfd.readouterr())
