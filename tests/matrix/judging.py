"""What a client's run must have come to, and the row of the table that follows from it."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from tests.matrix.clients import ALLOWED, CLOSED, DENIED, HELD, STREAM, Client
from tests.matrix.installation import Installation, Row, Told

from tameflare.connectors.placeholders import bound_to

NO_KEY: Final = "none"
"""What a program tells that needs no key: the gateway puts it in."""
PASSING: Final = re.compile(r"req_[0-9a-f]{32}|127\.0\.0\.1:\d+|0x[0-9a-f]{6,}")
"""What differs from run to run in what a user sees."""


class Entry(msgspec.Struct, frozen=True):
    """A row of the table. Each scenario is `yes`, or empty where the client has none of the kind; `seen` is the text
    that its user sees of a denial. `https_proxy`: whether it works through a proxy that speaks TLS, or empty."""

    version: str
    verdict: str
    allowed: str = ""
    denied: str = ""
    held: str = ""
    stream: str = ""
    closed: str = ""
    https_proxy: str = ""
    seen: str = ""


def check(client: Client, told: Told, keys: dict[str, str]) -> None:
    """Assert everything that the table says of a client."""
    assert told.code == 0, told.printed
    assert set(told.lines) == set(client.scenarios), told.printed
    for name, line in told.lines.items():
        assert line["ok"], f"{name}: {told.printed}"
        CHECKS[name](client, told, line)
    _check_keys(client, told, keys)


def _check_keys(client: Client, told: Told, keys: dict[str, str]) -> None:
    """The program held placeholders, and what reached the vendors carried real keys."""
    assert not [kind for kind, key in keys.items() if key in told.printed]
    assert all(seen.authorised for seen in told.reached), told.reached
    if not client.own_key:
        used = [line["key_seen"] for line in told.lines.values() if line.get("key_seen")]
        assert used or set(client.scenarios) == {CLOSED}
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
    return sum((seen.method, seen.path) == (asked["method"], asked["path"].partition("?")[0]) for seen in told.reached)


def _let_through(told: Told, asked: Row) -> int:
    """How many of them the proxy has on record as let through: more for an endpoint that everything is sent to."""
    return sum(
        (row["method"], row["path"], row["decision"]) == (asked["method"], asked["path"], "allow") for row in told.rows
    )


def _check_stream(client: Client, told: Told, line: dict[str, Any]) -> None:
    """The program had the first piece before the vendor had sent the rest: only then does the rest come."""
    assert line["seen"], told.printed


def _check_closed(client: Client, told: Told, line: dict[str, Any]) -> None:
    """Nothing of what it tried got out."""
    assert not told.reached
    assert line["seen"]


CHECKS: Final = {
    ALLOWED: _check_allowed,
    DENIED: _check_denied,
    HELD: _check_held,
    STREAM: _check_stream,
    CLOSED: _check_closed,
}


def entry(client: Client, told: Told, https_proxy: str = "") -> Entry:
    """The row that follows from a run which passed."""
    line = told.lines.get(DENIED) or told.lines.get(CLOSED) or {}
    played = dict.fromkeys(client.scenarios, "yes")
    return Entry(
        told.version, client.verdict.value, **played, https_proxy=https_proxy, seen=lasting(line.get("seen", ""))
    )


def lasting(seen: str) -> str:
    """A text without what differs from run to run."""
    return PASSING.sub("…", seen.strip())


def played(matrix: Installation, client: Client) -> Entry:
    """Run a client and check it; its row."""
    told = matrix.run(client)
    check(client, told, matrix.doubled.keys)
    return entry(client, told)
