"""Whatever is sent, every route answers in the API's own shape and never with a crash."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.control.running import GATEWAYS, Running

Operation = tuple[str, str, list[str]]
SPARED = {"/api/dashboard/register", "/api/dashboard/login", "/api/dashboard/tokens"}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
words = st.sampled_from(["github", "main", "default", "**", "github.*", "allow", "read", "all", "10.0.0.0/8", "a.test"])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | words
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


def body_fields(document: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    names = [part.get("$ref", "").rpartition("/")[2] for part in [content, *content.get("anyOf", [])]]
    return [field for name in names if name for field in document["components"]["schemas"][name].get("properties", {})]


@pytest.fixture(scope="module")
def operations(server: Running, owner: httpx.Client) -> list[Operation]:
    owner.post(GATEWAYS, json={"name": "main"})
    owner.post(f"{GATEWAYS}/main/connectors", json={"type": "github"})
    document = server.client().get("/api/openapi.json").json()
    return [
        (method, path, body_fields(document, operation))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path not in SPARED and (method, path) != ("delete", f"{GATEWAYS}/{{gateway}}")
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_input_crashes_a_route(owner: httpx.Client, operations: list[Operation], data: st.DataObject) -> None:
    method, path, fields = data.draw(st.sampled_from(operations))
    names = data.draw(st.sampled_from(["main", "github", "default", "%00", "..", "ä", "x" * 300]))
    keys = st.sampled_from(fields) | TEXT if fields else TEXT
    body = data.draw(st.dictionaries(keys, values, max_size=8) | values) if fields else None
    answer = owner.request(method, _fill(path, names), json=body)
    assert answer.status_code < 500, (method, path, body, answer.text)
    if answer.is_error:
        assert "error" in answer.json(), (method, path, body, answer.text)


def _fill(path: str, name: str) -> str:
    before, brace, rest = path.partition("{")
    return before + name + _fill(rest.partition("}")[2], name) if brace else before
