"""From what was asked for to the request that carries it out, and that this is named as what was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.asking import connector, named, sent

from tameflare.connectors.carrying import call_for
from tameflare.connectors.spoken import carried_as
from tameflare.core.action import Action
from tameflare.core.config import AuthScheme
from tameflare.core.errors import InvalidValue

AT = {"owner": "acme", "repo": "api"}
REPO = "/repos/acme/api"
LINE = {"body": "b", "commit_id": "c", "path": "x"}
FILE = {"message": "m", "content": "eA=="}
PULL = {"title": "T", "head": "f", "base": "main"}
REF = {"ref": "refs/heads/f", "sha": "s"}
CLASSIC: list[tuple[str, dict[str, Any], str, str, dict[str, Any]]] = [
    ("pr.create", PULL, "POST", "/pulls", PULL),
    ("pr.merge", {"pr_number": 7, "merge_method": "squash"}, "PUT", "/pulls/7/merge", {"merge_method": "squash"}),
    ("pr.comment", {"pr_number": 7, "body": "b"}, "POST", "/issues/7/comments", {"body": "b"}),
    ("pr.comment", {"pull_number": 7, **LINE}, "POST", "/pulls/7/comments", LINE),
    ("pr.close", {"pr_number": 7}, "PATCH", "/pulls/7", {"state": "closed"}),
    ("branch.create", REF, "POST", "/git/refs", REF),
    ("branch.create", {"branch": "f", "sha": "s"}, "POST", "/git/refs", REF),
    ("branch.delete", {"branch": "f/g"}, "DELETE", "/git/refs/heads/f/g", {}),
    ("issue.create", {"title": "T"}, "POST", "/issues", {"title": "T"}),
    ("issue.comment", {"issue_number": 2, "body": "b"}, "POST", "/issues/2/comments", {"body": "b"}),
    ("issue.close", {"issue_number": 2}, "PATCH", "/issues/2", {"state": "closed"}),
    ("release.create", {"tag_name": "v1"}, "POST", "/releases", {"tag_name": "v1"}),
    ("file.commit", {"path": "a/b.md", **FILE}, "PUT", "/contents/a/b.md", FILE),
    ("file.commit", {"path": "b", **FILE, "sha": "s"}, "PUT", "/contents/b", {**FILE, "sha": "s"}),
]
PLACES = [({}, AT), (AT, {}), ({}, {"repo": "acme/api"})]
EVIL = dict.fromkeys(("Authorization", "authorization", "Cookie", "X-GitHub-OTP", "access_token"), "evil")
KEYS = dict.fromkeys(("Proxy-Authorization", "X-Api-Key", "x-tameflare-agent", "X-HTTP-Method-Override"), "evil")


@pytest.mark.parametrize(("name", "parameters", "method", "path", "body"), CLASSIC, ids=[row[0] for row in CLASSIC])
@pytest.mark.parametrize(("resource", "place"), PLACES, ids=["parameters", "resource", "whole"])
def test_what_everybody_does_at_github(
    name: str,
    parameters: dict[str, Any],
    method: str,
    path: str,
    body: dict[str, Any],
    resource: dict[str, Any],
    place: dict[str, Any],
) -> None:
    subject = connector("github")
    action = carried_as(f"github.{name}", resource, {**place, **parameters})
    call = call_for(subject, action)
    assert (call.method, call.host, call.path) == (method, "api.github.com", REPO + path)
    assert json.loads(call.body or b"{}") == body
    assert action.type in {found.type for found in named(subject, sent(call))}


def test_what_could_pass_for_a_key_is_dropped_wherever_it_stands() -> None:
    parameters = {**AT, "title": "T", **EVIL, "headers": {**EVIL, **KEYS}}
    call = call_for(connector("github"), Action("github.issue.create", {}, parameters))
    assert json.loads(call.body) == {"title": "T"}
    assert call.headers == ()


@pytest.mark.parametrize(
    ("name", "parameters", "path"),
    [
        ("issue.list", AT, "/repos/acme/api/issues"),
        ("issue.list", {}, "/issues"),
        ("repo.create", {"org": "acme", "name": "x"}, "/orgs/acme/repos"),
        ("repo.list", {"username": "ada"}, "/users/ada/repos"),
        ("file.get", {**AT, "path": "a/b.md"}, "/repos/acme/api/contents/a/b.md"),
        ("release.get", {**AT, "release_id": 7}, "/repos/acme/api/releases/7"),
    ],
)
def test_of_several_paths_it_is_the_one_that_holds_what_was_said(
    name: str, parameters: dict[str, Any], path: str
) -> None:
    call = call_for(connector("github"), carried_as(f"github.{name}", {}, parameters))
    assert (call.path, call.query) == (path, "")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("issue.list", {"repo": "api"}),
        ("repo.list", {"org": "acme", "username": "ada"}),
        ("repo.create", {"org": "acme", "owner": "ada", "name": "x"}),
        ("release.get", {**AT, "tag": "v1", "release_id": 7}),
    ],
)
def test_what_says_where_is_never_sent_as_something_else(name: str, parameters: dict[str, Any]) -> None:
    for action in (carried_as(f"github.{name}", {}, parameters), carried_as(f"github.{name}", parameters, {})):
        with pytest.raises(InvalidValue, match="beside the rest"):
            call_for(connector("github"), action)


def test_headers_of_its_own_pass_and_do_not_replace_those_of_the_connector() -> None:
    headers = {"anthropic-version": "1999-01-01", "anthropic-beta": "x-2025"}
    body = {"model": "m", "messages": [], "max_tokens": 1, "headers": headers}
    call = call_for(connector("anthropic"), Action("anthropic.message.create", {}, body))
    assert call.headers == (("anthropic-version", "2023-06-01"), ("anthropic-beta", "x-2025"))


@pytest.mark.parametrize(
    "action_type",
    ["github.release.upload_asset", "github.repo.push", "openai.file.upload", "anthropic.file.upload"],
)
def test_what_sends_a_file_cannot_be_built(action_type: str) -> None:
    given = {**AT, "release_id": 1, "name": "a.zip", "purpose": "assistants"}
    with pytest.raises(InvalidValue):
        call_for(connector(action_type.partition(".")[0]), Action(action_type, {}, given))


@pytest.mark.parametrize("name", ["a b", "a:b", "", "a\r\nb", "ä", "a" * 101])
def test_what_is_no_name_of_a_header_is_a_fault(name: str) -> None:
    with pytest.raises(InvalidValue):
        call_for(connector("github"), Action("github.issue.create", {}, {**AT, "headers": {name: "v"}}))


@pytest.mark.parametrize("value", ["a\r\nAuthorization: evil", "a\n", " a", "ä", 7, None, ["a"]])
def test_what_is_no_value_of_a_header_is_a_fault(value: object) -> None:
    with pytest.raises(InvalidValue):
        call_for(connector("github"), Action("github.issue.create", {}, {**AT, "headers": {"X-A": value}}))


@pytest.mark.parametrize(
    ("method", "parameters", "query", "body"),
    [
        ("get", {"q": "x y", "n": 1}, "q=x+y&n=1", b""),
        ("get", {"query": {"q": "x"}}, "q=x", b""),
        ("delete", {"query": {"q": "x"}, "body": [1]}, "q=x", b"[1]"),
        ("post", {"a": 1}, "", b'{"a":1}'),
        ("post", {"body": {"a": 1}}, "", b'{"a":1}'),
        ("post", {"query": {"q": "x"}, "body": "text"}, "q=x", b'"text"'),
        ("post", {"body": "text", "title": "T"}, "", b'{"body":"text","title":"T"}'),
        ("post", {"query": "select 1"}, "", b'{"query":"select 1"}'),
        ("post", {}, "", b"{}"),
    ],
)  # fmt: skip
def test_any_api_is_told_query_and_body_or_fields(
    method: str, parameters: dict[str, Any], query: str, body: bytes
) -> None:
    subject = connector("generic", "*.example.com", auth=AuthScheme.BEARER)
    action = Action(f"http.{method}", {}, {"host": "API.example.com", "path": "/v1", **parameters})
    call = call_for(subject, action)
    assert (call.method, call.host, call.path, call.query, call.body) == (
        method.upper(),
        "api.example.com",
        "/v1",
        query,
        body,
    )


@pytest.mark.parametrize(
    "host", ["evil.example", "example.com", "*.example.com", "x.example.com.evil", "x.example.com:80"]
)
def test_no_host_but_those_of_the_connector_is_sent_to(host: str) -> None:
    subject = connector("generic", "*.example.com", auth=AuthScheme.BEARER)
    with pytest.raises(InvalidValue):
        call_for(subject, Action("http.get", {}, {"host": host, "path": "/"}))


_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), st.lists, max_leaves=4)


@given(
    st.dictionaries(
        st.sampled_from(["owner", "repo", "pull_number", "pr_number", "headers", "body", "path"]) | st.text(max_size=8),
        _VALUES,
        max_size=6,
    )
)
def test_no_parameters_crash_it(parameters: dict[str, Any]) -> None:
    for name in ("pr.merge", "file.commit", "pr.comment", "branch.create"):
        try:
            call = call_for(connector("github"), carried_as(f"github.{name}", {}, parameters))
        except InvalidValue:
            continue
        assert call.path.startswith("/repos/")
