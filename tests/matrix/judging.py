"""What a client's run must have come to, and the row of the table that follows from it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

import msgspec
from tests.matrix.clients import ALLOWED, AROUND, CLOSED, DENIED, HELD, STREAM, Client, Verdict
from tests.matrix.installation import Installation, Row, Told

from tameflare.connectors.placeholders import bound_to

NO_KEY: Final = "none"
"""What a program tells that needs no key: the gateway puts it in."""
PASSING: Final = re.compile(r"req_[0-9a-f]{32}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|127\.0\.0\.1:\d+|0x[0-9a-f]{6,}")
"""What differs from run to run in what a user sees."""


class Entry(msgspec.Struct, frozen=True):
    """A row of the table. Each scenario is `yes`, or empty where the client has none of the kind; `seen` is the text
    that its user sees of a denial. `https_proxy`: whether it works through a proxy that speaks TLS; if not,
    `over_https` is what its user sees then."""

    version: str
    verdict: str
    allowed: str = ""
    denied: str = ""
    held: str = ""
    stream: str = ""
    closed: str = ""
    https_proxy: str = ""
    seen: str = ""
    over_https: str = ""


def check(client: Client, told: Told, keys: dict[str, str]) -> None:
    """Assert everything that the table says of a client."""
    assert told.code == 0, told.printed
    assert set(told.lines) == set(client.scenarios), told.printed
    for name, line in told.lines.items():
        assert line["ok"], f"{name}: {told.printed}"
        CHECKS[name](client, told, line)
    _check_keys(client, told, keys)


def _check_keys(client: Client, told: Told, keys: dict[str, str]) -> None:
    """The program held placeholders, in its memory too, and what reached the vendors carried real keys."""
    assert not [kind for kind, key in keys.items() if key in told.printed]
    assert told.held == (set(client.own_key.values()) if told.asked else set())
    assert all(seen.authorised for seen in told.reached) or client.scenarios == (AROUND,), told.reached
    if not client.own_key:
        used = [line["key_seen"] for line in told.lines.values()]
        assert all(key == NO_KEY or bound_to(key) for key in used), used


def _check_allowed(client: Client, told: Told, line: dict[str, Any]) -> None:
    assert told.reached
    assert any(row["decision"] == "allow" and row["reason"] == "rule_allow" for row in told.rows)


def _check_denied(client: Client, told: Told, line: dict[str, Any]) -> None:
    """It was asked for so often, nothing of it reached the vendor, and the user is told why."""
    denied = [row for row in told.rows if row["decision"] == "deny"]
    assert len(denied) == client.tries, [(row["method"], row["path"], row["reason"]) for row in denied]
    row = denied[0]
    assert _reached(told, row) == _let_through(told, row)
    words = client.shows.format(action=row["action"], code=row["reason"], message=row["message"])
    assert words in line["seen"], line["seen"]


def _check_held(client: Client, told: Told, line: dict[str, Any]) -> None:
    """People were asked once, it had not gone before they agreed, and it went once afterwards."""
    ((asked, early),) = told.asked
    assert early < _reached(told, asked) == _let_through(told, asked)
    assert len([row for row in told.rows if row["reason"] == "approved"]) == 1


def _reached(told: Told, asked: Row) -> int:
    """How many requests of this method and path came to the vendor."""
    return sum((seen.method, seen.path) == (asked["method"], _bare(asked)) for seen in told.reached)


def _let_through(told: Told, asked: Row) -> int:
    """How many of them the proxy has on record as let through: more for an endpoint that everything is sent to."""
    return sum(
        (row["method"], _bare(row), row["decision"]) == (asked["method"], _bare(asked), "allow") for row in told.rows
    )


def _bare(row: Row) -> str:
    """Its path without a query."""
    path: str = row["path"]
    return path.partition("?")[0]


def _check_stream(client: Client, told: Told, line: dict[str, Any]) -> None:
    """The program had the first piece before the vendor had sent the rest: only then does the rest come."""
    assert line["seen"], told.printed


def _check_around(client: Client, told: Told, line: dict[str, Any]) -> None:
    """It came to the vendor past the proxy, with a placeholder, which is worth nothing there."""
    assert [seen.authorised for seen in told.reached] == [False]
    assert not told.rows


def _check_closed(client: Client, told: Told, line: dict[str, Any]) -> None:
    """Nothing of what it tried came to the vendor or the proxy, and its user is told of the proxy."""
    assert not told.reached
    assert not told.rows
    assert line["seen"]


CHECKS: Final = {
    ALLOWED: _check_allowed,
    DENIED: _check_denied,
    HELD: _check_held,
    STREAM: _check_stream,
    AROUND: _check_around,
    CLOSED: _check_closed,
}


def entry(client: Client, told: Told) -> Entry:
    """The row that follows from a run which passed."""
    line = told.lines.get(DENIED) or told.lines.get(CLOSED) or {}
    played = dict.fromkeys(client.scenarios, "yes")
    seen = lasting(line.get("seen", ""))
    return Entry(told.version, client.verdict.value, **played, seen=seen)


def lasting(seen: str) -> str:
    """A text without what differs from run to run."""
    return PASSING.sub("…", seen.strip())


def played(matrix: Installation, client: Client) -> Entry:
    """Run a client and check it; its row. One that is only governed by isolation is also run without, to see that
    it would have got out."""
    if client.verdict is Verdict.ISOLATE:
        free = replace(client, options=(), scenarios=(AROUND,))
        check(free, matrix.run(free), matrix.doubled.keys)
    told = matrix.run(client)
    check(client, told, matrix.doubled.keys)
    works, seen = over_https(matrix, client)
    return msgspec.structs.replace(entry(client, told), https_proxy=works, over_https=seen)


def over_https(matrix: Installation, client: Client) -> tuple[str, str]:
    """Whether it goes through a proxy that speaks TLS; what its user sees if not."""
    if client.verdict is Verdict.ISOLATE or not client.over_https:
        return "", ""
    led = matrix.over_https(client)
    told = matrix.run(led)
    line = told.lines.get(client.over_https, {})
    if line.get("ok"):
        check(led, told, matrix.doubled.keys)
        return ("past it" if client.over_https == AROUND else "yes"), ""
    assert not told.reached
    assert not told.rows
    return "no", lasting(line.get("seen") or told.printed)
