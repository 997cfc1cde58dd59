"""What `tf status` and `tf up` tell people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tameflare.cli.status import lines
from tameflare.cli.up import ready_lines

UP = {"url": "http://127.0.0.1:1", "reachable": True}


def report(server: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"server": UP | server, "proxy": UP | {"health": {"status": "ok"}}, **more}


def test_a_degraded_server_says_why_to_those_who_are_logged_in() -> None:
    health = {"status": "degraded", "warnings": ["Secrets stored without encryption"]}
    told = lines(report({"health": health}, kill_switch={"switches": []}, gateways=[], proxies=[]))
    assert told[0].endswith("degraded")
    assert "warning      Secrets stored without encryption" in told


def test_a_degraded_proxy_says_why_to_everybody() -> None:
    proxy = UP | {"health": {"status": "degraded", "problems": ["the control plane cannot be reached"]}}
    assert "warning      the control plane cannot be reached" in lines(report({}) | {"proxy": proxy})


def test_others_are_told_how_to_see_why() -> None:
    for word, told in (("degraded", True), ("ok", False)):
        note = lines(report({"health": {"status": word}}))[-1]
        assert note.startswith("note         run `tf login` to see")
        assert ("why the server is degraded" in note) is told


def test_a_refusal_is_told_instead_of_the_advice_to_log_in() -> None:
    told = lines(report({"problem": "the server does not accept the stored log-in; run `tf login`"}))
    assert told[0].endswith("the server does not accept the stored log-in; run `tf login`")
    assert not any(line.startswith("note") for line in told)


def test_a_switch_that_is_on_here_alone_is_told() -> None:
    thrown = {"switches": [{"scope": "gateway:payments"}]}
    for health, central, expected in (
        ({"kill_switch": True, "local_kill_switches": ["agent:x"]}, None, ["active here for agent:x"]),
        ({"kill_switch": True, "local_kill_switches": ["agent:x"]}, {"switches": []}, ["active here for agent:x"]),
        ({"kill_switch": True}, {"switches": []}, ["active at this proxy"]),
        ({"kill_switch": True, "local_kill_switches": ["all"]}, thrown, ["gateway:payments", "active here for all"]),
        ({"kill_switch": False}, {"switches": []}, ["off"]),
        ({"kill_switch": False}, None, []),
    ):
        seen = {} if central is None else {"kill_switch": central, "gateways": [], "proxies": []}
        told = lines(report({}, **seen) | {"proxy": UP | {"health": {"status": "ok"} | health}})
        found = [line for line in told if line.startswith("kill switch")]
        assert len(found) == len(expected)
        assert all(part in line for part, line in zip(expected, found, strict=True))


def test_up_says_where_it_is_and_what_comes_next() -> None:
    first = ready_lines("http://s", "http://p", Path("data"), "ABCD-EFGH")
    later = ready_lines("http://s", "http://p", Path("data"), None)
    for told in (first, later):
        assert told[2:6] == [
            "  dashboard  http://s/dashboard",
            "  server     http://s",
            "  proxy      http://p",
            "  data       data",
        ]
        assert max(map(len, told)) <= 80
    assert "  http://s/register" in first
    assert "  tf login" in first
    assert "  ABCD-EFGH" in first
    assert "  tf init" in later
