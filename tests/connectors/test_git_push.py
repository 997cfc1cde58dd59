"""What a push asks for, and its refusal in git's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.asking import connector, request

from tameflare.connectors.denials import Denial
from tameflare.connectors.git_push import Update, deny, read
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Effect

OLD, NEW, NONE = "1" * 40, "2" * 40, "0" * 40
DENIAL = Denial(403, "approval_denied", "not on a Friday", "github.repo.push", "approval_denied", "req_1", help="ask")
HOST = "github.com"
BEFORE = "service=git-receive-pack"
PUSH, DISCOVERY = "/acme/site.git/git-receive-pack", "/acme/site.git/info/refs"


def line(text: str) -> bytes:
    return b"%04x%b" % (len(text) + 4, text.encode())


def body(*updates: str, said: str = "report-status-v2 side-band-64k object-format=sha1 agent=git/2.39") -> bytes:
    first, *others = updates
    return b"".join([line(f"{first}\0 {said}"), *map(line, others)]) + b"0000PACK and so on"


MAIN = f"{OLD} {NEW} refs/heads/main"


def test_every_ref_that_moves_is_read() -> None:
    push = read(body(MAIN, f"{NONE} {NEW} refs/heads/new", f"{OLD} {NONE} refs/tags/v1"))
    assert push is not None
    assert push.updates[0] == Update("refs/heads/main", OLD, NEW)
    assert push.moves() == [
        {"ref": "refs/heads/main", "from": OLD, "to": NEW},
        {"ref": "refs/heads/new", "create": NEW},
        {"ref": "refs/tags/v1", "delete": OLD},
    ]
    assert push.rest == len(b"PACK and so on")


def test_a_shallow_clone_says_first_where_it_ends() -> None:
    push = read(line(f"shallow {OLD}") + line(f"shallow {NEW}\n") + body(MAIN))
    assert push is not None
    assert [update.ref for update in push.updates] == ["refs/heads/main"]
    assert "report-status-v2" in push.capabilities


@pytest.mark.parametrize("size", [40, 64])
def test_objects_of_both_kinds_of_repositories(size: int) -> None:
    assert read(body(f"{'a' * size} {'b' * size} refs/heads/main")) is not None


def test_the_refs_are_read_where_the_rest_did_not_come() -> None:
    whole = body(MAIN)
    assert read(whole[: -len(b"PACK and so on")]) is not None
    assert read(whole[: -len(b"0000PACK and so on")]) is None


@pytest.mark.parametrize(
    "unreadable",
    [
        b"",
        b"0000",
        b"PACK",
        b"0003",
        b"0004",
        b"ffff" + b"x" * 70000,
        b"-001x",
        b"00_5x0000",
        line("x y refs/heads/main\0 report-status") + b"0000",
        line(f"{OLD} {NEW} HEAD\0 report-status") + b"0000",
        line(f"shallow {OLD}") + b"0000",
        line(f"{OLD} {NEW} refs/heads/") + b"\xff\xff\xff\xff",
        b"0067" + f"{OLD} {NEW} refs/heads/m\xe4in".encode("latin-1").ljust(0x63) + b"0000",
        line(MAIN) * 1002 + b"0000",
    ],
)
def test_what_is_no_push_is_not_read(unreadable: bytes) -> None:
    assert read(unreadable) is None


def told(said: str) -> tuple[int, str, bytes]:
    push = read(body(MAIN, f"{NONE} {NEW} refs/heads/new", said=said))
    assert push is not None
    rendered = deny(DENIAL, push)
    assert rendered is not None
    return rendered.status, rendered.content_type, rendered.body


def test_each_ref_says_why_it_did_not_move() -> None:
    status, kind, report = told("report-status")
    assert (status, kind) == (200, "application/x-git-receive-pack-result")
    assert report == (
        line("unpack ok\n")
        + line("ng refs/heads/main TameFlare: not on a Friday\n")
        + line("ng refs/heads/new TameFlare: not on a Friday\n")
        + b"0000"
    )


def test_a_client_with_bands_is_told_more() -> None:
    _, _, banded = told("report-status-v2 side-band-64k")
    size = int(banded[:4], 16)
    assert banded[4:5] == b"\x02"
    assert banded[5:size].decode().splitlines() == [
        "TameFlare: not on a Friday",
        "code: approval_denied",
        "action: github.repo.push",
        "request id: req_1",
        "ask",
    ]
    rest = int(banded[size : size + 4], 16)
    assert banded[size + 4 : size + rest] == b"\x01" + told("report-status")[2]
    assert banded[size + rest :] == b"0000"


def test_a_client_that_reads_no_report_gets_the_status() -> None:
    push = read(body(MAIN, said="ofs-delta"))
    assert push is not None
    assert deny(DENIAL, push) is None
    asked = request("POST", HOST, PUSH, body(MAIN, said="ofs-delta"))
    assert connector("github").deny(DENIAL, asked).status == 403


# --- the connector


def test_a_push_whose_body_was_read_is_refused_by_a_report() -> None:
    github = connector("github")
    assert github.deny(DENIAL, request("POST", HOST, PUSH, body(MAIN))).status == 200
    unread = github.deny(DENIAL, request("POST", HOST, PUSH))
    assert (unread.status, unread.content_type) == (403, "text/plain; charset=utf-8")


def test_people_see_which_refs_move_and_that_objects_follow() -> None:
    github, asked = connector("github"), request("POST", HOST, PUSH, body(MAIN))
    (action,) = github.name(asked)
    assert action.type == "github.repo.push"
    assert action.parameters.items() >= {"ref": "refs/heads/main", "from": OLD, "to": NEW}.items()
    assert action.parameters["repo"] == "site"
    assert github.untold(asked) == "the objects that are pushed are not shown"
    gone = request("POST", HOST, PUSH, body(f"{OLD} {NONE} refs/heads/main").removesuffix(b"PACK and so on"))
    assert github.untold(gone) == ""


def test_a_packed_body_is_not_read() -> None:
    asked = request("POST", HOST, PUSH, body(MAIN), content_encoding="gzip")
    assert "ref" not in connector("github").name(asked)[0].parameters


@pytest.mark.parametrize(
    "asked",
    [
        request("GET", HOST, f"{DISCOVERY}?{BEFORE}"),
        request("POST", HOST, PUSH, b"0000"),
        request("GET", "ghe.example", f"{DISCOVERY}?{BEFORE}"),
    ],
    ids=["discovery", "trial", "enterprise"],
)
def test_what_comes_before_a_push_is_a_fetch_by_itself(asked: HttpRequest) -> None:
    (action,) = connector("github", "ghe.example", "github.com").preparation(asked)
    assert (action.type, action.effect) == ("github.repo.fetch", Effect.READ)
    assert action.resource == {"owner": "acme", "repo": "site"}


@pytest.mark.parametrize(
    "asked",
    [
        request("POST", HOST, PUSH, body(MAIN)),
        request("POST", HOST, PUSH, b"0000" + body(MAIN)),
        request("POST", HOST, PUSH),
        request("GET", HOST, f"{DISCOVERY}?{BEFORE}&service=git-upload-pack"),
        request("POST", HOST, f"{DISCOVERY}?{BEFORE}"),
        request("GET", "api.github.com", "/repos/acme/site/info/refs?service=git-receive-pack"),
        request("PUT", "api.github.com", "/repos/acme/site/pulls/1/merge"),
    ],
)
def test_everything_else_is_a_deed_of_its_own(asked: HttpRequest) -> None:
    assert connector("github").preparation(asked) == ()


@given(st.binary(max_size=300), st.integers(0, 300))
def test_whatever_is_sent_is_read_or_left(noise: bytes, at: int) -> None:
    """A push that was torn or overwritten somewhere never raises, and what is read of it can be refused."""
    whole = body(MAIN)
    torn = whole[:at] + noise + whole[at + len(noise) :]
    for sent in (noise, torn, torn[:at]):
        push = read(sent)
        if push is not None:
            assert push.updates
            deny(DENIAL, push)


@pytest.mark.parametrize(
    "text", [f"{OLD} {NEW} refs/heads/main\0x", f"{OLD} {NEW} refs/heads/main\n\n", f"{OLD} {NEW} refs/heads/ma\tin"]
)
def test_a_ref_that_git_would_read_otherwise_is_not_read(text: str) -> None:
    """git ends the ref of every line, not only of the first, at a NUL."""
    assert read(body(f"{OLD} {NEW} refs/heads/topic", text)) is None


def test_the_length_of_a_line_is_four_hexadecimal_digits() -> None:
    assert read(b"0x5f" + line(f"{MAIN}\0 atomic")[4:].ljust(0x5B) + b"0000") is None
