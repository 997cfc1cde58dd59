from __future__ import annotations

import json

import pytest
from tests.connectors.asking import FORM, JSON, connector, named, request, types

from tameflare.connectors.denials import Denial
from tameflare.connectors.faults import Unreadable
from tameflare.core.action import Action, Effect, Risk
from tameflare.core.errors import InvalidValue

API = "api.github.com"
PULL = "/repos/acme/app/pulls/7"


def _json(method: str, path: str, value: object) -> list[str]:
    return types(connector("github"), request(method, API, path, json.dumps(value).encode(), JSON))


def test_merge_is_named_by_its_head_with_its_parameters() -> None:
    subject = connector("github")
    classified = subject.classify(request("PUT", API, PULL + "/merge"))
    (action,) = classified.actions
    assert not classified.needs_body
    assert action == Action(
        "github.pr.merge",
        {"owner": "acme", "repo": "app", "pull_number": 7},
        {"owner": "acme", "repo": "app", "pull_number": 7},
        Risk.HIGH,
        Effect.WRITE,
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"state": "closed"}, ["github.pr.close"]),
        ({"state": "CLOSED "}, ["github.pr.close"]),
        ({"title": "x"}, ["github.pr.update"]),
        ({"state": "open"}, ["github.pr.update"]),
        ({}, ["github.pr.update"]),
        ({"state": "closed", "title": "x"}, ["github.pr.close", "github.pr.update"]),
        ({"state": ["closed"], "title": "x"}, ["github.pr.close", "github.pr.update"]),
        ({"state": None}, ["github.pr.update"]),
    ],
)
def test_a_patch_is_every_deed_that_it_does(value: object, expected: list[str]) -> None:
    assert _json("PATCH", PULL, value) == expected


def test_a_field_in_the_query_counts_as_one_in_the_body() -> None:
    assert _json("PATCH", PULL + "?state=closed", {}) == ["github.pr.close"]


def test_query_and_body_that_disagree_are_refused() -> None:
    with pytest.raises(Unreadable, match="`state`"):
        _json("PATCH", PULL + "?state=open", {"state": "closed"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"content": "eA=="}, "github.file.create"),
        ({"content": "eA==", "sha": None}, "github.file.create"),
        ({"content": "eA==", "sha": ""}, "github.file.create"),
        ({"content": "eA==", "sha": "abc"}, "github.file.update"),
    ],
)
def test_a_file_is_created_iff_no_sha_is_given(value: object, expected: str) -> None:
    assert _json("PUT", "/repos/acme/app/contents/docs/a.md", value) == [expected]


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("refs/heads/x", "github.branch.create"),
        ("refs/tags/v1", "github.tag.create"),
        ("refs/notes/x", "github.ref.create"),
    ],
)
def test_a_new_reference_is_a_branch_or_a_tag(ref: str, expected: str) -> None:
    assert _json("POST", "/repos/acme/app/git/refs", {"ref": ref, "sha": "a"}) == [expected]


@pytest.mark.parametrize("suffix", ["", ".git"])
@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/info/refs?service=git-upload-pack", "github.repo.fetch"),
        ("GET", "/info/refs?service=git-receive-pack", "github.repo.push"),
        ("POST", "/git-upload-pack", "github.repo.fetch"),
        ("POST", "/git-receive-pack", "github.repo.push"),
    ],
)
def test_git_over_https_is_named_at_the_head(suffix: str, method: str, path: str, expected: str) -> None:
    classified = connector("github").classify(request(method, "github.com", f"/acme/app{suffix}{path}"))
    assert not classified.needs_body
    assert [action.type for action in classified.actions] == [expected]
    assert classified.actions[0].parameters["repo"] == "app"


@pytest.mark.parametrize("query", ["", "?service=git-archive", "?services=git-upload-pack"])
def test_an_unclear_git_service_is_unknown(query: str) -> None:
    assert types(connector("github"), request("GET", "github.com", f"/a/b/info/refs{query}")) == ["github.unknown.get"]


def test_a_git_service_named_twice_is_both() -> None:
    asked = request("GET", "github.com", "/a/b/info/refs?service=git-upload-pack&service=git-receive-pack")
    assert set(types(connector("github"), asked)) == {"github.repo.fetch", "github.repo.push"}


@pytest.mark.parametrize(
    ("method", "rest", "action"),
    [
        ("GET", "", "github.file.list_locks"),
        ("POST", "/verify", "github.file.list_locks"),
        ("POST", "", "github.file.lock"),
        ("POST", "/17/unlock", "github.file.unlock"),
    ],
)
def test_locks_of_large_files(method: str, rest: str, action: str) -> None:
    body = b"{}" if method == "POST" else None
    asked = request(method, "github.com", f"/a/b.git/info/lfs/locks{rest}", body, "application/vnd.git-lfs+json")
    assert types(connector("github"), asked) == [action]


def test_a_refusal_of_lfs_is_what_git_lfs_prints() -> None:
    asked = request("POST", "github.com", "/a/b.git/info/lfs/locks", b"{}")
    refused = connector("github").deny(Denial(403, "rule_deny", "no", "github.file.lock"), asked)
    assert refused.content_type == "application/json"
    assert json.loads(refused.body)["message"] == "no"


def test_lfs_is_told_apart_by_its_operation() -> None:
    subject = connector("github")
    body = b'{"operation":"upload","objects":[]}'
    asked = request("POST", "github.com", "/a/b.git/info/lfs/objects/batch", body, "application/vnd.git-lfs+json")
    assert types(subject, asked) == ["github.repo.push"]


def test_graphql_is_unknown_until_it_is_understood() -> None:
    assert _json("POST", "/graphql", {"query": "{viewer{login}}"}) == ["github.unknown.post"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v3/repos/a/b", "github.repo.get"),
        ("/a/b.git/info/refs?service=git-upload-pack", "github.repo.fetch"),
        ("/repos/a/b", "github.unknown.get"),
    ],
)
def test_enterprise_server_has_all_on_one_host(path: str, expected: str) -> None:
    assert types(connector("github", "ghe.acme.test"), request("GET", "ghe.acme.test", path)) == [expected]


def test_enterprise_server_is_built_with_its_prefix() -> None:
    call = connector("github", "ghe.acme.test").build(Action("github.repo.get", {}, {"owner": "a", "repo": "b"}))
    assert (call.host, call.path) == ("ghe.acme.test", "/api/v3/repos/a/b")


def test_a_close_is_built_with_its_state() -> None:
    parameters = {"owner": "a", "repo": "b", "pull_number": 1}
    call = connector("github").build(Action("github.pr.close", {}, parameters))
    assert (call.method, call.path, call.body) == ("PATCH", "/repos/a/b/pulls/1", b'{"state":"closed"}')


@pytest.mark.parametrize("owner", ["", ".", "..", "a/../b", "a;b", "a\\b", "a\nb"])
def test_a_value_that_would_change_the_path_is_not_built(owner: str) -> None:
    with pytest.raises(InvalidValue, match="cannot stand in a path"):
        connector("github").build(Action("github.repo.get", {}, {"owner": owner, "repo": "b"}))


def test_what_is_missing_is_said() -> None:
    with pytest.raises(InvalidValue, match="lacks `owner`, `repo`"):
        connector("github").build(Action("github.repo.get"))


@pytest.mark.parametrize(
    "body",
    [b'{"a":"&_method=DELETE&"}', b'{"a":"&%5Fmethod=DELETE&"}', b"_method=DELETE"],
)
def test_a_form_that_overrides_the_method_is_refused(body: bytes) -> None:
    asked = request("POST", API, "/repos/a/b/issues", body, FORM)
    with pytest.raises(Unreadable):
        named(connector("github"), asked)


def test_json_sent_as_a_form_is_read_as_json() -> None:
    asked = request("POST", API, "/repos/a/b/issues", b'{"title":"x"}', FORM)
    assert types(connector("github"), asked) == ["github.issue.create"]
