"""Each tool and each method has its own name, which rules can hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tameflare.connectors import mcp_names
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.mcp_names import EFFECTS, method_of, method_type, tool_of, tool_type
from tameflare.core.access import parse_pattern

_SEGMENT = re.compile(r"[A-Za-z0-9_\-]+")
_PIECES = st.sampled_from(
    ["_", "x", "_x", "002e", "_x002e_", "_x005f_", ".", "/", "list", "é", "😀", "-", "A", "unknown", "*"]
)
_TOOLS = st.lists(_PIECES, min_size=1, max_size=8).map("".join) | st.text(min_size=1, max_size=20)
_METHOD_PIECES = st.sampled_from(
    ["_", "x", "_x", "002f", "_x005f_", ".", "/", "tools", "list", "call", "changed", "response", "$"]
)
_METHODS = (
    st.sampled_from(sorted(EFFECTS))
    | st.lists(_METHOD_PIECES, min_size=1, max_size=8).map("".join)
    | st.sampled_from(sorted(EFFECTS)).map(lambda method: method.replace("/", "_"))
)


def _named(name: str) -> str | None:
    try:
        return tool_type(name)
    except Unreadable:
        return None


@given(_TOOLS)
@example("list")
@example("_x006c_ist")
@example("_x002e_x0041_")
@example(".x0041_")
def test_a_tool_is_one_segment_from_which_its_name_can_be_read(name: str) -> None:
    action = _named(name)
    assume(action is not None)
    assert action is not None
    provider, tools, segment = action.split(".")
    assert (provider, tools) == ("mcp", "tools")
    assert _SEGMENT.fullmatch(segment)
    assert tool_of(action) == name
    assert action not in mcp_names.known()
    assert parse_pattern(action).matches(action)


@given(_TOOLS, _TOOLS)
def test_no_two_tools_share_a_name(left: str, right: str) -> None:
    assert left == right or _named(left) is None or _named(left) != _named(right)


@given(_METHODS)
@example("notifications/tools/list/changed")
@example("tools_call")
@example("response")
def test_a_method_is_one_segment_from_which_it_can_be_read(method: str) -> None:
    try:
        action = method_type(method)
    except Unreadable:
        return
    provider, rpc, segment = action.split(".")
    assert (provider, rpc) == ("mcp", "rpc")
    assert _SEGMENT.fullmatch(segment)
    assert method_of(action) == method
    assert action != mcp_names.RESPONSE


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("search_issues", "mcp.tools.search_issues"),
        ("getUser-2", "mcp.tools.getUser-2"),
        ("repo.read", "mcp.tools.repo_x002e_read"),
        ("github/search", "mcp.tools.github_x002f_search"),
        ("github__search", "mcp.tools.github__search"),
        ("list", "mcp.tools._x006c_ist"),
        ("*", "mcp.tools._x002a_"),
        ("a_x0041_", "mcp.tools.a_x005f_x0041_"),
    ],
)
def test_tools_as_rules_name_them(name: str, action: str) -> None:
    assert tool_type(name) == action


@pytest.mark.parametrize("name", ["", "a" * 257, " delete", "delete ", "dele\x00te", "delete\n", "de\u200blete"])
def test_names_that_servers_might_read_otherwise_are_refused(name: str) -> None:
    with pytest.raises(Unreadable):
        tool_type(name)


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("initialize", "mcp.rpc.initialize"),
        ("notifications/initialized", "mcp.rpc.notifications_initialized"),
        ("notifications/roots/list_changed", "mcp.rpc.notifications_roots_list_changed"),
        ("notifications/roots/list/changed", "mcp.rpc._x006e_otifications_roots_list_changed"),
        ("vendor/do_it", "mcp.rpc.vendor_do_x005f_it"),
        ("tools_call", "mcp.rpc.tools_x005f_call"),
        ("response", "mcp.rpc._x0072_esponse"),
    ],
)
def test_methods_as_rules_name_them(method: str, action: str) -> None:
    assert method_type(method) == action


@pytest.mark.parametrize(
    "method", ["Tools/Call", "tools/call ", "/tools/call", "tools//call", "tools/call/", "PING", "a b", "é"]
)
def test_methods_that_look_like_others_are_refused(method: str) -> None:
    with pytest.raises(Unreadable):
        method_type(method)
