"""MCP through a real proxy: lists filtered on their way, streams without delay, refusals that clients can read."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from tests.support.clients import Gate, post, request
from tests.support.plane import CANARY, HOST, Plane, Reply, Wire, connector, rules
from tests.support.upstream import Script, Talk, Upstream, answer

from tameflare.core.decision import EnforcementLevel, Verdict
from tameflare.core.killswitch import KillSwitch, ScopeKind

HEADERS = b"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nAccept-Encoding: gzip\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
TOOLS = ("good", "asked", "bad", "list", "good.x")
WRITTEN = rules(
    ("server", "*", Verdict.ALLOW),
    ("server", "mcp.tools.*", Verdict.DENY),
    ("server", "mcp.tools.list", Verdict.ALLOW),
    ("server", "mcp.tools.good", Verdict.ALLOW),
    ("server", "mcp.tools.asked", Verdict.REQUIRES_APPROVAL),
)


def listing(*names: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": name} for name in names], "nextCursor": "c"}}


def message(method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


LIST = message("tools/list")


def said(kind: str, body: bytes, extra: bytes = b"") -> Script:
    """A server that reads a request and answers it so."""

    async def script(talk: Talk) -> None:
        head = (await talk.head()).lower()
        if b"content-length: " in head:
            await talk.body(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        await talk.say(answer(body, extra=b"Content-Type: %b\r\n%b" % (kind.encode(), extra)))
        await talk.gone()

    return script


def publish(proxy: Plane, level: EnforcementLevel = EnforcementLevel.FULL_ENFORCE, **options: Any) -> None:
    proxy.publish(
        proxy.gateway(connector("server", type="mcp"), rules=WRITTEN, level=level), {"server": CANARY}, **options
    )


def ask(wire: Wire, body: bytes) -> Reply:
    return post(wire, body, HEADERS, "/mcp")


def test_a_list_is_filtered_and_framed_anew(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy)
    upstream.script = said("application/json", json.dumps(listing(*TOOLS)).encode())
    wire = proxy.tunnel()
    reply = ask(wire, LIST)
    assert reply.json == listing("good", "asked")
    assert b"accept-encoding: identity" in upstream.seen[0].lower()
    assert CANARY.encode() in upstream.seen[0]
    intent, outcome = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert [action.type for action in intent.actions] == ["mcp.tools.list"]
    assert outcome is not None
    assert outcome.status == 200


def test_other_answers_keep_their_length(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy)
    body = json.dumps(listing(*TOOLS)).encode()
    upstream.script = said("application/json", body)
    reply = ask(proxy.tunnel(), message("tools/call", name="good"))
    assert (reply.body, reply.headers["content-length"]) == (body, str(len(body)))


def test_an_answer_that_comes_encoded_all_the_same_is_not_shown(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy)
    zipped = gzip.compress(json.dumps(listing(*TOOLS)).encode())
    upstream.script = said("application/json", zipped, b"Content-Encoding: gzip\r\n")
    reply = ask(proxy.tunnel(), LIST)
    assert reply.json["error"]["data"]["reason"] == "response_encoded"


def test_a_list_that_is_too_large_is_an_error_with_the_id_of_the_request(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy)
    upstream.script = said("application/json", json.dumps(listing("good", "x" * (4 << 20))).encode())
    reply = ask(proxy.tunnel(), LIST)
    assert (reply.status, reply.json["id"]) == (200, 1)
    assert "cannot be filtered" in reply.json["error"]["message"]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_events_go_on_one_by_one_and_lists_among_them_are_filtered(
    proxy: Plane, upstream: Upstream, method: str
) -> None:
    publish(proxy)
    gate = Gate()
    progress = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(EVENTS + progress)
        await gate.wait(talk)
        await talk.say(b"id: 7\ndata: " + json.dumps(listing(*TOOLS)).encode() + b"\n\n")

    upstream.script = script
    wire = proxy.tunnel()
    extra = HEADERS + (b"Content-Length: %d\r\n" % len(LIST) if method == "POST" else b"Last-Event-ID: 6\r\n")
    wire.send(request(method, "/mcp", extra) + (LIST if method == "POST" else b""))
    assert wire.head().status == 200
    wire.until(progress)  # while the stream is still open
    gate.open()
    wire.until(b"id: 7\n")
    shown = wire.until(b"\n\n").partition(b"data: ")[2]
    assert json.loads(shown) == listing("good", "asked")


def test_tools_that_the_level_lets_through_are_listed(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy, EnforcementLevel.MONITOR)
    upstream.script = said("application/json", json.dumps(listing(*TOOLS)).encode())
    assert ask(proxy.tunnel(), LIST).json == listing(*TOOLS)


def test_a_batch_is_refused_for_its_strictest_entry_and_every_entry_is_recorded(
    proxy: Plane, upstream: Upstream
) -> None:
    publish(proxy)
    batch = [json.loads(message("tools/call", name=name)) | {"id": name} for name in ("good", "bad")]
    reply = ask(proxy.tunnel(), json.dumps(batch).encode())
    assert [(each["id"], each["error"]["code"]) for each in reply.json] == [("good", 403), ("bad", 403)]
    assert "`mcp.tools.bad`" in reply.json[0]["error"]["message"]
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert [action.type for action in intent.actions] == ["mcp.tools.good", "mcp.tools.bad"]
    assert not upstream.seen


def test_a_body_that_cannot_be_read_is_refused(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy)
    reply = ask(proxy.tunnel(), b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}')
    assert (reply.status, reply.json["error"]["data"]["reason"]) == (403, "body_unreadable")
    assert not upstream.seen


def test_what_is_refused_before_the_body_is_read_has_its_own_status(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy, kill_switches=(KillSwitch(ScopeKind.ALL),))
    reply = ask(proxy.tunnel(), message("ping"))
    assert (reply.status, reply.json["id"]) == (403, None)
    assert reply.json["error"]["data"]["reason"] == "kill_switch_active"


def test_a_server_that_is_away_is_an_error_with_the_id_of_the_request(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy)

    async def away(talk: Talk) -> None:
        await talk.head()
        talk.reset()

    upstream.script = away
    reply = ask(proxy.tunnel(), message("ping"))
    error = reply.json["error"]
    assert (reply.status, reply.json["id"], error["code"], error["data"]["reason"]) == (200, 1, 502, "upstream_closed")


def test_other_paths_of_the_host_are_no_mcp(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy)
    reply = proxy.tunnel().get("/users/7", method="DELETE", host=HOST)
    assert (reply.status, reply.json["error"]["data"]["action"]) == (403, "mcp.unknown.delete")
    assert not upstream.seen
