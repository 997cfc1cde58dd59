"""An upstream that sends the agent elsewhere: the proxy follows nothing, and elsewhere is judged by itself."""

from __future__ import annotations

import pytest
from tests.resistance.raw import last, paths
from tests.support.plane import CANARY, HOST, Plane
from tests.support.upstream import Talk, Upstream, answer

ELSEWHERE = "elsewhere.example.test"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_the_agents_to_follow(proxy: Plane, upstream: Upstream, status: str) -> None:
    async def script(talk: Talk) -> None:
        while True:
            await talk.head()
            await talk.say(answer(b"", status, f"Location: https://{ELSEWHERE}/stolen?x=1\r\n".encode()))

    upstream.script = script
    before = upstream.connections
    reply = proxy.tunnel().get("/start")
    assert (reply.status, reply.headers["location"]) == (int(status[:3]), f"https://{ELSEWHERE}/stolen?x=1")
    assert CANARY not in str(reply)
    assert (paths(upstream), upstream.connections - before) in ((["/start"], 0), (["/start"], 1))


def test_following_it_in_the_same_tunnel_is_refused(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    assert wire.get("/start").status == 200
    wire.send(last("/stolen", host=ELSEWHERE))
    assert wire.reply().status == 421
    assert paths(upstream) == ["/start"]


def test_following_it_in_a_new_tunnel_needs_a_connector(proxy: Plane, upstream: Upstream) -> None:
    reply = proxy.tunnel(ELSEWHERE).get("/stolen", host=ELSEWHERE)
    assert (reply.status, reply.json["code"]) == (403, "no_connector")
    assert upstream.seen == []


def test_an_alternative_service_is_not_told(proxy: Plane, upstream: Upstream) -> None:
    """It would lead the client round the proxy; in every spelling."""

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(answer(b"x", extra=b'ALT-SVC: h3=":443"\r\nAlt_Svc: h2="evil:1"\r\nX-Kept: yes\r\n'))

    upstream.script = script
    reply = proxy.tunnel().get()
    assert reply.headers["x-kept"] == "yes"
    assert not {"alt-svc", "alt_svc"} & set(reply.headers)
    assert HOST not in reply.headers.get("location", "")
