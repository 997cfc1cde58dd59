"""Which headers an approval is bound to: those that change what is done, or for whom."""

from __future__ import annotations

import pytest

from tameflare.connectors.auth import METHOD_OVERRIDES
from tameflare.connectors.significance import significant_headers

Pairs = list[tuple[bytes, bytes]]
STRIPPED = METHOD_OVERRIDES | {b"authorization", b"cookie"}
MARKED = frozenset({b"stripe-account"})


def found(marked: frozenset[bytes] | None, *pairs: tuple[bytes, bytes], own_key: bool = False) -> Pairs:
    headers = [(name, name.title(), value) for name, value in pairs]
    return significant_headers(marked, STRIPPED, headers, own_key=own_key)


@pytest.mark.parametrize("marked", [None, MARKED])
@pytest.mark.parametrize("name", [b"content-type", b"content-encoding", b"if-match", b"stripe-account"])
def test_what_changes_the_deed_counts(marked: frozenset[bytes] | None, name: bytes) -> None:
    assert found(marked, (b"user-agent", b"x"), (name, b"a")) == [(name, b"a")]


def test_for_a_host_that_nobody_knows_whatever_may_count_does() -> None:
    assert found(None, (b"x-dry-run", b"no"), (b"traceparent", b"1")) == [(b"x-dry-run", b"no")]
    assert found(MARKED, (b"x-dry-run", b"no")) == []


def test_the_order_of_fields_counts_among_those_of_one_name_alone() -> None:
    """A server takes the first of two, or the last."""
    one, other, type_ = (b"x-mode", b"test"), (b"x-mode", b"live"), (b"content-type", b"text/plain")
    assert found(None, one, type_, other) == found(None, type_, one, other) != found(None, type_, other, one)


@pytest.mark.parametrize("marked", [None, MARKED])
def test_a_key_of_the_agents_own_says_for_whom(marked: frozenset[bytes] | None) -> None:
    """An approval for a test account is none for the account behind another key."""
    test, live = (b"authorization", b"Bearer test"), (b"authorization", b"Bearer live")
    assert found(marked, test, own_key=True) == [test] != found(marked, live, own_key=True)
    assert found(marked, test) == found(marked, live) == [], "it is replaced by ours"
    assert found(marked, (b"x-http-method-override", b"DELETE"), own_key=True) == [], "it never goes on"
