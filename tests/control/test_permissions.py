"""The routes of people in the OpenAPI document: who gets in, who does not, and what he is answered.

test_access_matrix.py has every route with every kind of credential; the answers in full are here.
"""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest
from tests.control.access_table import ACCESS, Access, Person
from tests.control.running import GATEWAYS, PASSWORD, Running

from tameflare.core.roles import Role, Scope, at_least
from tameflare.link.tokens import TokenKind, new_token

OPEN: Final = {
    ("get", "/api/health"),
    ("post", "/api/dashboard/register"),
    ("post", "/api/dashboard/login"),
}
WRITES: Final = ("post", "put", "patch", "delete")

Operation = tuple[str, str]


def access(operation: Operation) -> Access:
    method, path = operation
    return ACCESS[f"{method.upper()} {path}"]


def required(operation: Operation) -> Role | None:
    """The role that a route needs, by the table written by hand; None: nobody is asked."""
    needed = access(operation)
    return needed.role if isinstance(needed, Person) else None


def call(client: httpx.Client, operation: Operation) -> httpx.Response:
    """With names that don't exist and an empty body: whoever is let in gets 404 or 422, or a list."""
    method, path = operation
    plain = path.replace("{", "").replace("}", "")
    return client.request(method, plain, json={} if method in WRITES[:3] else None)


@pytest.fixture(scope="module")
def operations(server: Running) -> list[Operation]:
    document = server.client().get("/api/openapi.json").json()
    found = [(method, path) for path, methods in document["paths"].items() for method in methods]
    return [operation for operation in found if operation in OPEN or isinstance(access(operation), Person)]


@pytest.fixture(scope="module")
def people(server: Running, owner: httpx.Client) -> dict[Role, httpx.Client]:
    return {Role.OWNER: owner} | {role: server.person(role) for role in Role if role is not Role.OWNER}


def test_the_document_lists_the_routes_of_the_product(operations: list[Operation]) -> None:
    assert len(operations) > 30
    assert set(operations) >= OPEN


def test_nobody_gets_in_without_a_token(server: Running, operations: list[Operation]) -> None:
    client = server.client()
    for operation in operations:
        if required(operation) is not None:
            answer = call(client, operation)
            assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized"), operation
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", list(Role))
def test_a_person_gets_in_where_the_role_allows(
    people: dict[Role, httpx.Client], operations: list[Operation], role: Role
) -> None:
    for operation in operations:
        needed = required(operation)
        if needed is None:
            continue
        answer = call(people[role], operation)
        if at_least(role, needed):
            assert answer.status_code in {200, 201, 404, 422}, (operation, answer.text)
        else:
            assert answer.status_code == 403, (operation, answer.text)
            assert answer.json() == {"error": "Forbidden", "required_role": needed.value, "your_role": role.value}


def strangers(server: Running, owner: httpx.Client) -> dict[str, str]:
    """Valid tokens of other kinds, and others that only look like one."""
    owner.post(GATEWAYS, json={"name": "main"})
    return {
        "gateway": owner.post(f"{GATEWAYS}/main/tokens", json={}).json()["token"],
        "link": owner.post("/api/dashboard/proxies", json={"name": "edge"}).json()["token"],
        "run": new_token(TokenKind.RUN),
        "unknown personal": new_token(TokenKind.PERSONAL),
        "agent key": "tf_live_0123456789abcdef",
        "nonsense": "nonsense",
    }


def test_no_other_kind_of_token_opens_a_route(
    server: Running, owner: httpx.Client, operations: list[Operation]
) -> None:
    for kind, token in strangers(server, owner).items():
        client = server.client(token)
        for operation in operations:
            if required(operation) is not None or operation == ("get", "/api/health"):
                assert call(client, operation).status_code == 401, (kind, operation)


def test_a_personal_token_does_not_open_the_link(server: Running, owner: httpx.Client) -> None:
    for client in (owner, server.client()):
        assert client.get("/api/link/feed").status_code == 401
        headers = {"X-TameFlare-Epoch": "e", "X-TameFlare-Sequence": "0"}
        assert client.post("/api/link/records", headers=headers).status_code == 401


def test_basic_and_query_credentials_open_nothing(server: Running, owner: httpx.Client) -> None:
    token = owner.headers["Authorization"].removeprefix("Bearer ")
    client = server.client()
    assert client.get("/api/dashboard/me", auth=("owner@example.com", PASSWORD)).status_code == 401
    assert client.get("/api/dashboard/me", auth=(token, "")).status_code == 401
    assert client.get("/api/dashboard/me", params={"access_token": token, "token": token}).status_code == 401


def test_a_read_token_of_an_owner_changes_nothing(
    server: Running, owner: httpx.Client, operations: list[Operation]
) -> None:
    wish: dict[str, Any] = {"name": "reader", "password": PASSWORD, "scopes": ["read"]}
    client = server.client(owner.post("/api/dashboard/tokens", json=wish).json()["token"])
    for operation in operations:
        needed = access(operation)
        if isinstance(needed, Person) and needed.scope is not Scope.READ:
            assert call(client, operation).status_code == 403, operation
