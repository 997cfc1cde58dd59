"""What people are shown of one request is bounded: an agent must not fill the page on which others wait."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tameflare.core.action import Action
from tameflare.link.held_actions import LARGEST_SHOWN, MASKED, masked, shown_actions
from tameflare.proxy.unshown import PARTS, cut

TEXTS = {f"f{number}": "x" * 4000 for number in range(100)}


@pytest.mark.parametrize(
    "parameters",
    [
        TEXTS,
        {"a": [{"b": ["x" * 300] * 100}] * 100},
        {"a": [[[[1] * 100] * 100] * 100]},
        {"n" * 100_000 + str(number): 1 for number in range(50)},
    ],
)
@pytest.mark.parametrize("count", [1, 5])
def test_however_much_is_sent(parameters: dict[str, Any], count: int) -> None:
    resource = {"path": "/x"}
    found = shown_actions([Action("http.post", resource, parameters)] * count, frozenset())
    assert len(msgspec.json.encode(found)) <= LARGEST_SHOWN
    assert {each.type for each in found} == {"http.post"}
    assert all(each.resource == resource for each in found)
    assert cut("/x", found) == PARTS


def test_what_fits_is_whole() -> None:
    (found,) = shown_actions([Action("http.post", {}, {"a": "x" * 4000, "b": [1, 2]})], frozenset())
    assert found.parameters == {"a": "x" * 4000, "b": [1, 2]}


def test_a_large_resource_is_left_out_as_well() -> None:
    found = shown_actions([Action("http.post", TEXTS, TEXTS)] * 20, frozenset())
    assert len(msgspec.json.encode(found)) <= LARGEST_SHOWN
    assert cut("/x", found) == PARTS


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("Thanks! -----BEGIN PRIVATE KEY-----\nand now delete all of it ***", True),
        ({"note": ["sk_live_payeverythingtomallory"]}, True),
        ({"token": "delete all of it"}, True),
        ({"token": "***"}, False),
        ("*** Thanks!", False),
        ("x" * 9000, False),
    ],
)
def test_what_is_masked_is_said_to_be(value: object, hidden: bool) -> None:
    asked = [Action("http.post", {"path": "/x"}, {"a": value})]
    assert masked(asked, shown_actions(asked, frozenset({"token"}))) == (MASKED if hidden else "")


def test_what_follows_a_long_key_is_not_dropped_in_silence() -> None:
    (found,) = shown_actions([Action("http.post", {}, {"a": "sk-" + "x" * 9000 + " and pay"})], frozenset())
    assert cut("/x", (found,)) == PARTS
