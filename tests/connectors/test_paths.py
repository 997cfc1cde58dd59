"""Paths that try to be one route for us and another one for the vendor."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.connectors.asking import HOSTS, connector, request, types

from tameflare.connectors.request import HttpRequest
from tameflare.connectors.routes import Route
from tameflare.connectors.trie import Trie

VENDORS = tuple(HOSTS)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/repos/a/b/"),
        ("GET", "/repos/a%2Fx/b"),
        ("GET", "/repos/a;x=1/b"),
        ("GET", "/repos/a/b;x"),
        ("GET", "/Repos/a/b"),
        ("GET", "/repos//b"),
        ("GET", "//repos/a/b"),
        ("GET", "/repos/a/b/pulls/7x"),
        ("GET", "/repos/a/b/pulls/-7"),
        ("GET", "/repos/a/b/pulls/%D9%A7"),
        ("GET", "/repos/a/b/contents/x;y/z"),
        ("GET", "/repos/a/b/contents/x//z"),
        ("GET", "/repos/a/b/contents/"),
        ("GET", "/repos/a/b/contents/x%2F..%2F..%2Fgit"),
        ("GET", "/repos/a/b/contents/x%2F%2Fy"),
        ("GET", "/repos/a/b/branches/..%2Fx"),
        ("GET", "/repos/a/b/branches/x%5C..%5Cy"),
        ("GET", "/repos%2Fa%2Fb"),
        ("GET", "xuser"),
        ("GET", ""),
        ("get", "/user"),
        ("PROPFIND", "/user"),
    ],
)
def test_a_path_out_of_the_ordinary_is_unknown(method: str, path: str) -> None:
    (name,) = types(connector("github"), request(method, "api.github.com", path))
    assert name == f"github.unknown.{method.lower()}"


def test_captures_are_decoded_once() -> None:
    (action,) = connector("github").classify(request("GET", "api.github.com", "/repos/a%20b/c%252Fd")).actions
    assert action.parameters == {"owner": "a b", "repo": "c%2Fd"}


@pytest.mark.parametrize("path", ["/repos/a/b/branches/x%2Fy", "/repos/a/b/branches/x/y", "/repos/a/b/branches/x"])
def test_a_slash_passes_where_the_table_takes_it(path: str) -> None:
    assert types(connector("github"), request("GET", "api.github.com", path)) == ["github.branch.get"]


def test_head_is_the_get() -> None:
    assert types(connector("github"), request("HEAD", "api.github.com", "/user")) == ["github.user.get"]


def test_literals_go_before_captures_and_dead_ends_are_left() -> None:
    trie = Trie(
        (
            Route("GET", "/a/{x}/c", "v.one.get"),
            Route("GET", "/a/b/d", "v.two.get"),
            Route("GET", "/a/{x}", "v.three.get"),
            Route("GET", "/a/{rest+}", "v.four.get"),
            Route("GET", "/a/{rest+}/end", "v.five.get"),
        )
    )

    def found(path: str) -> tuple[str, list[str]] | None:
        match = trie.find("GET", path)
        return None if match is None else (match[0].routes[0].type, list(match[1]))

    assert found("/a/b/d") == ("v.two.get", [])
    assert found("/a/b/c") == ("v.one.get", ["b"])
    assert found("/a/b") == ("v.three.get", ["b"])
    assert found("/a/b/x/y") == ("v.four.get", ["b/x/y"])
    assert found("/a/b/x/y/end") == ("v.five.get", ["b/x/y"])
    assert found("/a/b/end/end") == ("v.five.get", ["b/end"])
    assert found("/a/end/z") == ("v.four.get", ["end/z"])
    assert found("/a/b//end") is None
    assert found("/a") is None


def test_rows_must_agree_on_the_names_in_their_path() -> None:
    with pytest.raises(ValueError, match="unlike its siblings"):
        Trie((Route("GET", "/a/{x}", "v.a.get"), Route("GET", "/a/{y}", "v.b.get")))


_TEXT = st.text(st.sampled_from("/%;.ab7[]&=_+ \u0663\udcff2Frepopullsv1apichat"), max_size=40)


@settings(deadline=None)
@given(
    vendor=st.sampled_from([*VENDORS, "generic", "webhook", "tunnel"]),
    method=st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "M-SEARCH", "\u0130"])
    | st.text(max_size=5),
    host=st.sampled_from([*HOSTS.values(), "github.com", "uploads.github.com", "ghe.test"]),
    path=_TEXT.map(lambda text: "/" + text) | st.text(max_size=20),
    query=_TEXT | st.text(max_size=30),
)
def test_classifying_never_raises(vendor: str, method: str, host: str, path: str, query: str) -> None:
    subject = connector(vendor, "ghe.test") if vendor in {"generic", "webhook", "tunnel"} else connector(vendor)
    classified = subject.classify(HttpRequest(method, "https", host, 443, path, query))
    assert classified.actions
    assert all(action.type.isascii() for action in classified.actions)
