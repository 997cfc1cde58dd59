"""Lists of tools without what may not be called; everything else byte for byte, and at once."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.asking import JSON, connector, request

from tameflare.connectors import mcp_answers
from tameflare.connectors.mcp_answers import EventStream, JsonAnswer, filtered
from tameflare.core.action import Action
from tameflare.core.changes import BodyChange

HOST = "mcp.example.com"
SERVER = connector("mcp", HOST)
EVENTS = "text/event-stream"


def keep(name: str) -> bool:
    return name.startswith("good")


def fault(reason: str) -> bytes:
    return json.dumps({"fault": reason}).encode()


def listing(*names: str, **more: Any) -> dict[str, Any]:
    tools = [{"name": name, "inputSchema": {"type": "object"}} for name in names]
    return {"jsonrpc": "2.0", "id": 1, "result": {"tools": tools, "nextCursor": "c"} | more}


def whole(change: BodyChange, *pieces: bytes) -> bytes:
    return b"".join(change.feed(piece) for piece in pieces) + change.finish()


def event(message: Any, end: bytes = b"\n") -> bytes:
    lines = [b"event: message", b"id: 7", b"data: " + json.dumps(message).encode(), b"", b""]
    return end.join(lines)


def test_only_tools_that_may_be_called_are_left() -> None:
    shown = filtered(json.dumps(listing("good", "bad", "good2")).encode(), keep)
    assert json.loads(shown) == listing("good", "good2")


def test_batches_are_filtered_entry_by_entry() -> None:
    other = {"jsonrpc": "2.0", "id": 2, "result": {"content": []}}
    shown = filtered(json.dumps([listing("bad"), other]).encode(), keep)
    assert json.loads(shown) == [listing(), other]


@pytest.mark.parametrize(
    "answer",
    [
        b' {"jsonrpc": "2.0", "id": 1, "result": {"tools": [ {"name": "good"} ]}} ',
        b'{"id":1,"result":{"content":[{"type":"text","text":"tools"}]}}',
        b'{"id":1,"result":{"tools":{"name":"bad"}}}',
        b'{"id":1,"error":{"code":-32601,"message":"no tools"}}',
        b'{"method":"notifications/tools/list_changed"}',
        b'[{"id":1,"result":{"tools":[{"name":"good"}]}},{"id":2,"result":1.50}]',
    ],
)
def test_what_needs_no_change_is_left_byte_for_byte(answer: bytes) -> None:
    assert filtered(answer, keep) == answer


def test_numbers_and_members_that_stay_are_not_written_anew() -> None:
    answer = b'{"id":1e0,"result":{"_meta":{"n":1.10,"n":2},"tools":[{"name":"bad"},{"name":"good","x":1E400}]}}'
    assert (
        filtered(answer, keep) == b'{"id":1e0,"result":{"_meta":{"n":1.10,"n":2},"tools":[{"name":"good","x":1E400}]}}'
    )


@pytest.mark.parametrize("entry", [b"1", b"null", b'{"title":"bad"}', b'{"name":7}', b'{"n\\u0061me":"bad"}'])
def test_a_tool_without_a_name_that_may_be_called_is_left_out(entry: bytes) -> None:
    assert filtered(b'{"result":{"tools":[%b]}}' % entry, keep) == b'{"result":{"tools":[]}}'


def test_escapes_hide_nothing() -> None:
    assert filtered(b'{"result":{"t\\u006fols":[{"name":"bad"}]}}', keep) == b'{"result":{"tools":[]}}'


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_ENTRIES = st.lists(st.fixed_dictionaries({"name": st.sampled_from(["good", "bad"]) | _ANY}) | _ANY, max_size=4)
_RESULTS = st.fixed_dictionaries({"tools": _ENTRIES | _ANY}, optional={"nextCursor": _ANY, "_meta": _ANY}) | _ANY
_ANSWERS = st.fixed_dictionaries({"id": _ANY}, optional={"result": _RESULTS, "error": _ANY})


def model(message: Any) -> Any:
    """What `filtered` is to do, on decoded values."""
    result = message.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("tools"), list):
        return message
    names = [tool.get("name") if isinstance(tool, dict) else None for tool in result["tools"]]
    kept = [tool for tool, name in zip(result["tools"], names, strict=True) if isinstance(name, str) and keep(name)]
    return message | {"result": result | {"tools": kept}}


@given(answers=st.lists(_ANSWERS, max_size=3), escaped=st.booleans(), indent=st.sampled_from([None, 1]))
def test_every_answer_is_filtered_as_the_model_does(answers: list[Any], escaped: bool, indent: int | None) -> None:
    def written(value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=escaped, indent=indent).encode()

    assert json.loads(filtered(written(answers), keep)) == [model(answer) for answer in answers]
    for answer in answers:
        assert json.loads(filtered(written(answer), keep)) == model(answer)


def test_what_is_not_json_is_a_fault() -> None:
    with pytest.raises(msgspec.DecodeError):
        filtered(b'{"result":{"tools":[', keep)


# --- answers in one piece ---------------------------------------------------------------------------------------------


def test_an_answer_is_held_until_it_is_whole() -> None:
    answer = json.dumps(listing("good", "bad")).encode()
    change = JsonAnswer(keep, fault, strict=True)
    assert change.feed(answer[:20]) == change.feed(answer[20:]) == b""
    assert json.loads(change.finish()) == listing("good")


def test_an_answer_that_cannot_be_filtered_is_replaced() -> None:
    assert b"cannot be read" in whole(JsonAnswer(keep, fault, strict=True), b'{"tools":')
    assert whole(JsonAnswer(keep, fault, strict=False), b"no tools here") == b"no tools here"
    too_large = [b'{"tools":"', bytes(mcp_answers.LARGEST_ANSWER), b'"}']
    assert b"is over" in whole(JsonAnswer(keep, fault, strict=False), *too_large)


# --- event streams ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_goes_on_as_soon_as_it_is_whole(end: bytes) -> None:
    stream = EventStream(keep, fault)
    progress = event({"jsonrpc": "2.0", "method": "notifications/progress"}, end)
    assert stream.feed(progress[:-1]) == (progress[:-1] if end == b"\r\n" else b"")
    assert stream.feed(progress[-1:]) == (b"\n" if end == b"\r\n" else progress)
    assert stream.feed(b": alive" + end) == b": alive" + end
    shown = stream.feed(event(listing("good", "bad"), end))
    assert b"id: 7" in shown
    assert b"bad" not in shown
    assert json.loads(shown.split(b"data: ")[1]) == listing("good")


_EVENTS = st.lists(
    st.sampled_from(
        [
            event(listing("good", "bad")),
            event(listing("good"), b"\r\n"),
            event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}, b"\r"),
            b": ping\n\n",
            b"\r\n",
            b"retry: 5\ndata:\n\n",
            b"event: endpoint\ndata: /messages/tools?session=1\n\n",
            b'data: {"result":\ndata: {"tools":\r\ndata: [{"name":"bad"}]}}\n\n',
            b'data: {"tools":\n\n',
        ]
    ),
    max_size=6,
)


@given(events=_EVENTS, cuts=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_pieces_of_any_size_give_the_same_stream(events: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(events)
    pieces, at = [], 0
    while at < len(stream):
        size = cuts[len(pieces) % len(cuts)]
        pieces.append(stream[at : at + size])
        at += size
    cut, at_once = whole(EventStream(keep, fault), *pieces), whole(EventStream(keep, fault), stream)
    assert _events(cut) == _events(at_once) == [found for each in events for found in _events(_expected(each))]
    assert b'"bad"' not in cut


def _expected(one: bytes) -> bytes:
    return whole(EventStream(keep, fault), one)


def _events(stream: bytes) -> list[list[bytes]]:
    """Events as a client reads them: their lines but comments."""
    found: list[list[bytes]] = [[]]
    for line in stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        if line and not line.startswith(b":"):
            found[-1].append(line)
        elif not line:
            found.append([])
    return [lines for lines in found if lines]


def test_a_byte_order_mark_hides_no_event() -> None:
    shown = whole(EventStream(keep, fault), b"\xef\xbb", b"\xbf" + event(listing("bad"))[15:])
    assert b"bad" not in shown


def test_an_event_that_is_cut_short_is_filtered_too() -> None:
    assert b"bad" not in whole(EventStream(keep, fault), event(listing("bad")).rstrip())


def test_an_event_that_is_too_large_is_replaced_and_the_next_goes_on() -> None:
    stream = EventStream(keep, fault)
    shown = stream.feed(b'data: {"result": {"tools": [{"name": "bad"},' + b" " * mcp_answers.LARGEST_ANSWER)
    assert b"is over" in shown
    assert b"bad" not in shown
    assert stream.feed(b"bad" * 1000) == b""
    assert stream.feed(b"\r\n\r") == b""
    assert stream.feed(b"\ndata: {}\n\n").endswith(b"data: {}\n\n")
    assert stream.finish() == b""


# --- which answers ----------------------------------------------------------------------------------------------------


def test_streams_and_answers_to_lists_are_looked_at_and_no_others() -> None:
    asked = request("POST", HOST, "/mcp", b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}', JSON)
    called = request("POST", HOST, "/mcp", b'{"jsonrpc":"2.0","id":1,"method":"ping"}', JSON)
    opened = request("GET", HOST, "/mcp", b"")
    for subject, kind, expected in [
        (asked, JSON, JsonAnswer),
        (asked, "Text/Event-Stream; charset=utf-8", EventStream),
        (asked, "", JsonAnswer),
        (opened, EVENTS, EventStream),
        (opened, "text/plain", JsonAnswer),
        (called, EVENTS, type(None)),
        (called, JSON, type(None)),
    ]:
        change = SERVER.response_filter(subject, SERVER.name(subject), lambda _: True, kind)
        assert type(change) is expected


def test_the_judge_is_asked_for_every_tool_as_for_a_call() -> None:
    asked = request("POST", HOST, "/mcp", b'{"jsonrpc":"2.0","id":"x","method":"tools/list"}', JSON)
    seen: list[Action] = []

    def allowed(action: Action) -> bool:
        seen.append(action)
        return action.type == "mcp.tools.good"

    change = SERVER.response_filter(asked, SERVER.name(asked), allowed, JSON)
    assert change is not None
    assert not change.keeps_length
    shown = whole(change, json.dumps(listing("good", "list", " odd")).encode())
    assert [tool["name"] for tool in json.loads(shown)["result"]["tools"]] == ["good"]
    assert [action.type for action in seen] == ["mcp.tools.good", "mcp.tools._x006c_ist"]


def test_an_error_in_place_of_a_list_has_the_id_of_the_request() -> None:
    asked = request("POST", HOST, "/mcp", b'{"jsonrpc":"2.0","id":"x","method":"tools/list"}', JSON)
    change = SERVER.response_filter(asked, SERVER.name(asked), lambda _: True, JSON)
    assert change is not None
    error = json.loads(whole(change, b'{"tools"'))
    assert (error["id"], error["error"]["message"]) == ("x", "the list of tools cannot be read")
