"""Where a request goes: hosts, authorities, paths."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tameflare.wire.target import (
    AbsoluteTarget,
    Authority,
    Target,
    TargetFault,
    normalise_host,
    normalise_path,
    parse_absolute,
    parse_authority,
    parse_target,
)

AWKWARD = st.text("/.%25eEfFcC0aA;\\?#{~- \u00e9x", max_size=14)


def code(read: object, text: str) -> str:
    with pytest.raises(TargetFault) as caught:
        read(text)  # type: ignore[operator]
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("API.GitHub.com", "api.github.com", None),
        ("api.github.com.:443", "api.github.com", 443),
        ("b\u00fccher.example", "xn--bcher-kva.example", None),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("under_score.example", "under_score.example", None),
        ("192.0.2.1:8080", "192.0.2.1", 8080),
        ("[2001:DB8:0::1]:443", "2001:db8::1", 443),
        ("[::1]", "::1", None),
        ("localhost", "localhost", None),
    ],
)
def test_authorities(text: str, host: str, port: int | None) -> None:
    assert parse_authority(text) == Authority(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "a..b", "-a.example", "a-.example", "a b", "user@host", "a/b", "::1", "[::1", "::1]",
        "[1.2.3.4]", "[fe80::1%eth0]", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1",
        "127.0.0.01", "1.2.3.4.5", "256.1.1.1", "example.123", "a.example\x00", "a" * 64 + ".example", "a." *
        130 + "example", "\u2024", "a\uff0fb",
    ],
)  # fmt: skip
def test_refused_hosts(text: str) -> None:
    assert code(parse_authority, text) == "host_invalid"


def test_other_digits_are_the_same_address() -> None:
    assert normalise_host("\uff11\uff12\uff17.0.0.1") == "127.0.0.1"


@pytest.mark.parametrize("port", ["", "0", "65536", "+1", "1 ", "\u0665", "http", "000080"])
def test_refused_ports(port: str) -> None:
    assert code(parse_authority, f"a.example:{port}") == "authority_invalid"


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/", "/"),
        ("/repos/octo/hello/pulls/12", "/repos/octo/hello/pulls/12"),
        ("/a/", "/a/"),
        ("/.github/x..y/...", "/.github/x..y/..."),
        ("/%7euser/%41%2d", "/~user/A-"),
        ("/a%2fb%3b;c=d", "/a%2Fb%3B;c=d"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/%2541", "/%2541"),
        ('/{"a"|b^`}', "/%7B%22a%22%7Cb%5E%60%7D"),
        ("/v1/models:batch@2,3!", "/v1/models:batch@2,3!"),
    ],
)
def test_paths(path: str, clean: str) -> None:
    assert normalise_path(path) == clean


@pytest.mark.parametrize(
    "path",
    [
        "", "a", "//", "/a//b", "//a", "/a//", "/.", "/..", "/a/./b", "/a/../b", "/a/..", "/%2e", "/%2E%2e/b",
        "/a/.%2e/b", "/%252e%252e/b", "/%25252e./b", "/..%2fb", "/a%2f..", "/a%252f%252e%252e/b", "/..;/b",
        "/..;x=y/b", "/a\\b", "/a%5cb", "/a%00", "/a%0a", "/a%7f", "/a b", "/a\tb", "/a\x00", "/a\x7f", "/a#b",
        "/%", "/%2", "/%zz", "/a%u002e", "/%c0%ae%c0%ae/", "/\u00e9", "/a?b",
    ],
)  # fmt: skip
def test_ambiguous_paths(path: str) -> None:
    assert code(normalise_path, path) == "path_ambiguous"


@given(AWKWARD.map("/".__add__))
@example("/%2541%7b")
def test_normalisation_of_paths_is_idempotent(path: str) -> None:
    try:
        clean = normalise_path(path)
    except TargetFault:
        return
    assert normalise_path(clean) == clean
    assert not {".", ".."} & set(clean.split("/"))
    assert "//" not in clean


@given(st.text("aA.-_1ax0:[]\u00fc\uff11\u3002", max_size=12))
def test_normalisation_of_hosts_is_idempotent(host: str) -> None:
    try:
        clean = normalise_host(host)
    except TargetFault:
        return
    assert normalise_host(clean) == clean


def test_targets() -> None:
    assert parse_target("/a?b=/../%zz?c") == Target("/a", "b=/../%zz?c")
    assert parse_target("/a?") == Target("/a", "")
    assert code(parse_target, "/a?b#c") == "target_invalid"
    assert code(parse_target, "/a?b c") == "target_invalid"
    assert code(parse_target, "*") == "path_ambiguous"


def test_absolute_targets() -> None:
    assert parse_absolute("HTTP://A.Example") == AbsoluteTarget("http", "a.example", 80, "/", "")
    assert parse_absolute("https://[::1]:8443/a%7e?b") == AbsoluteTarget("https", "::1", 8443, "/a~", "b")
    assert parse_absolute("http://a?b") == AbsoluteTarget("http", "a", 80, "/", "b")
    assert code(parse_absolute, "ftp://a/") == "target_invalid"
    assert code(parse_absolute, "http:///a") == "target_invalid"
    assert code(parse_absolute, "http://u:p@a/") == "authority_invalid"
    assert code(parse_absolute, "http://a/../b") == "path_ambiguous"
    assert code(parse_absolute, "http://a\\@b/") == "host_invalid"
