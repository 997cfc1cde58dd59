"""Pages of the dashboard over HTTP: what hostile agents write stays text, forms work only from our own pages."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from pathlib import Path

import httpx
import pytest
from tests.control.browsing import Browser, forms_of, logged_in
from tests.control.records import frames, intent, outcome, refusal
from tests.control.running import GATEWAYS, Running, running

from tameflare.control import dashboard
from tameflare.control.dashboard import texts
from tameflare.control.services.intake import Batch
from tameflare.core.roles import Role
from tameflare.link.messages import Record, RecordedAction

KILL = "/dashboard/kill-switch"
PAGES = ("/dashboard", "/dashboard/traffic", "/dashboard/traffic/req_evil", KILL)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "</textarea></title><svg onload=alert(1)>",
    "&lt;b&gt;&#60;",
    "\u202egpj.exe\u2066\u200b\x00\x1b[31m\r\n",
    "Zalgo " + "\u0300" * 200,
)
EVIL = "".join(HOSTILE)


def deliver(server: Running, epoch: str, records: list[Record]) -> None:
    """As a proxy delivers records."""
    asyncio.run(server.services.intake.receive("prx_1", Batch(epoch, 0, frames(records))))


@pytest.fixture(scope="module")
def browser(server: Running, owner: httpx.Client) -> Browser:
    action = RecordedAction(EVIL, EVIL, EVIL, {EVIL: EVIL, "plain": "x"})
    told = dict.fromkeys(("agent", "run", "connector", "method", "host", "path", "content_type"), EVIL)
    more = dict.fromkeys(("user_agent", "message", "reason", "level", "verdict", "would_be"), EVIL)
    deliver(
        server,
        "evil",
        [intent("req_evil", **told, **more, actions=(action,), matched=(EVIL,), flags=(EVIL,)), outcome("req_evil")],
    )
    return logged_in(server)


@pytest.mark.parametrize("path", PAGES)
def test_nothing_that_an_agent_writes_becomes_markup(browser: Browser, path: str) -> None:
    page = browser.get(path).text
    assert not re.search(r"<(script(?! src=\"/dashboard/static/)|img(?! src=\"/dashboard/static/)|svg)", page)
    assert "&lt;script&gt;alert(1)" in page or path == KILL, "it is there"
    assert not re.search(r"<[^>]*\s(on\w+|style)\s*=", page)
    assert "javascript:" not in re.sub(r">[^<]*<", "><", page), "never in an attribute"
    assert "49" not in re.findall(r"\{\{ .*? \}\}", page)
    if "req_evil" in path:
        shown = unescape(re.sub(r"<[^>]+>", "", page))
        for text in HOSTILE[:7]:
            assert text in shown, "people see exactly what was sent"


@pytest.mark.parametrize("path", PAGES)
def test_what_cannot_be_seen_is_written_as_its_number(browser: Browser, path: str) -> None:
    page = browser.get(path).text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", page)
    if path != KILL:
        for code in ("U+202E", "U+2066", "U+200B", "U+0000", "U+001B", "U+000D", "U+000A"):
            there = f'<span class="odd">{code}</span>' in page
            assert there or (code == "U+0000" and "\N{SYMBOL FOR NULL}" in page), code  # which PostgreSQL cannot hold


def test_hidden_characters_are_marked_and_line_breaks_stand_where_they_may() -> None:
    assert texts.visible("a b\tc\nd") == 'a b<span class="odd">U+0009</span>c<span class="odd">U+000A</span>d'
    assert texts.visible("a\tb\nc\rd", lines=True) == 'a\tb\nc<span class="odd">U+000D</span>d'
    assert texts.visible("größe 日本 🙂 e\u0301") == "größe 日本 🙂 e\u0301"
    for char in ("\u00a0", "\u00ad", "\u3164", "\u2800", "\ufe0f", "\ud800", "\ue000", "\U000e0041"):
        assert texts.visible(char) == f'<span class="odd">U+{ord(char):04X}</span>'
    assert texts.visible("<&\"'>") == "&lt;&amp;&#34;&#39;&gt;"


def test_what_stands_between_backticks_is_code_and_odd_ones_are_text() -> None:
    assert texts.ticked("`a<b>` asks for `x\u202e`") == (
        '<code>a&lt;b&gt;</code> asks for <code>x<span class="odd">U+202E</span></code>'
    )
    assert texts.ticked("one ` only") == "one ` only"


def test_filters_come_back_as_text(browser: Browser) -> None:
    page = browser.http.get("/dashboard/traffic", params={"agent": EVIL[:150], "action": '"><script>x</script>'}).text
    assert 'value="&#34;&gt;&lt;script&gt;x&lt;/script&gt;"' in page
    assert "<script>" not in page


@pytest.mark.parametrize("path", [*PAGES, "/login", "/register", "/dashboard/none", "/dashboard/traffic/none"])
def test_every_page_keeps_to_itself(server: Running, browser: Browser, path: str) -> None:
    for who in (browser, Browser(server)):
        answer = who.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"unsafe|https?:|\*|data:", policy)
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        sources = re.findall(r"(?:src|href)=\"([^\"]*)\"", answer.text)
        assert all(source.startswith(("/", "#")) and not source.startswith("//") for source in sources)


def test_the_package_holds_no_code_of_others_and_names_no_other_host() -> None:
    files = [path for path in Path(dashboard.__file__).parent.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {path.suffix for path in files} == {".py", ".html", ".css", ".js", ".svg"}
    for path in files:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        if path.suffix != ".py":
            assert not re.search(r"https?://|@import|eval\(|innerHTML|insertAdjacentHTML|document\.write", text), path
        if path.suffix == ".html":
            assert not re.search(r"\|\s*safe\b|autoescape|<style|\sstyle=|\son\w+=|<script>", text), path


def test_style_and_script_are_kept_by_the_browser_and_change_their_address(server: Running, browser: Browser) -> None:
    addresses = set(re.findall(r"/dashboard/static/[^\"]+", browser.get("/dashboard").text))
    assert {address.rpartition(".")[2] for address in addresses} == {"css", "js", "svg"}
    for address in addresses:
        answer = server.client().get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for wrong in ("/dashboard/static/0/dashboard.css", "/dashboard/static/0/../rendering.py"):
        assert server.client().get(wrong).status_code in {303, 404}


def test_a_page_that_is_not_there_is_told_as_a_page(browser: Browser) -> None:
    assert browser.get("/dashboard/").headers["location"] == "/dashboard"
    for path in ("/dashboard/nothing", "/dashboard/traffic/nothing", "/dashboard/a/b/<script>"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "text/html" in answer.headers["content-type"]
        assert "<script>" not in answer.text.replace('<script src="/dashboard/static', "")


POSTS = (
    ("/dashboard", "/dashboard/logout", {}),
    (KILL, f"{KILL}/throw", {"scope": "all", "reason": "test", "confirm": "STOP"}),
)


@pytest.mark.parametrize(("path", "action", "values"), POSTS)
@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://127.0.0.1:1", "https://127.0.0.1", None])
def test_a_form_from_another_place_does_nothing(
    server: Running, browser: Browser, path: str, action: str, values: dict[str, str], origin: str | None
) -> None:
    refused = browser.post(action, browser.form(path, action) | values, origin)
    assert refused.status_code == 403
    assert browser.get(KILL).status_code == 200, "still logged in"
    assert "Off." in browser.get(KILL).text


@pytest.mark.parametrize(("path", "action", "values"), POSTS)
def test_a_form_without_the_right_token_does_nothing(
    server: Running, browser: Browser, path: str, action: str, values: dict[str, str]
) -> None:
    other = logged_in(server)
    for token in ("", "0" * 64, other.form(path, action)["csrf"], "ä"):
        assert browser.post(action, {**values, "csrf": token}).status_code == 403
    assert browser.post(action, {"other": "x", **values}).status_code == 403
    assert "Off." in browser.get(KILL).text


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_forms_for_strangers_are_bound_to_the_browser_too(server: Running, owner: httpx.Client, path: str) -> None:
    mine, other = Browser(server), Browser(server)
    fields = mine.form(path, path) | {"email": "owner@example.com", "password": "correct horse battery", "name": "x"}
    assert other.post(path, fields).status_code == 403, "no cookie"
    other.get(path)
    assert other.post(path, fields).status_code == 403, "another's cookie"
    assert mine.post(path, fields, "http://evil.test").status_code == 403


def test_bodies_that_are_no_form_are_refused(browser: Browser) -> None:
    csrf = browser.form(KILL, f"{KILL}/throw")["csrf"]
    headers = {"Origin": browser.server.url, "Content-Type": "application/x-www-form-urlencoded"}
    bodies = (
        b"csrf=" + csrf.encode() + b"&csrf=" + csrf.encode(),
        b"csrf=%ff",
        b"\xff=1",
        b"csrf",
        b"&".join(b"a%d=1" % number for number in range(50)),
    )
    for body in bodies:
        assert browser.http.post(f"{KILL}/throw", content=body, headers=headers).status_code == 422
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x", ""):
        answer = browser.http.post(
            f"{KILL}/throw", content=f"csrf={csrf}".encode(), headers=headers | {"Content-Type": kind}
        )
        assert answer.status_code == 422, kind


def test_an_owner_throws_and_releases_the_kill_switch(server: Running, owner: httpx.Client, browser: Browser) -> None:
    owner.post(GATEWAYS, json={"name": "main"})
    owner.post(f"{GATEWAYS}/main/connectors", json={"type": "github"})
    page = browser.get(KILL).text
    assert '<option value="connector:github">' in page
    assert '<option value="gateway:main">' in page
    wish = {"scope": "connector:github", "reason": "odd <b>merges</b>"}
    for word in ("", "stopp", "RESUME"):
        refused = browser.submit(KILL, f"{KILL}/throw", **wish, confirm=word)
        assert refused.status_code == 422
        assert "type STOP to confirm" in refused.text
        assert owner.get("/api/dashboard/kill-switch").json()["active"] is False
    missing = browser.submit(KILL, f"{KILL}/throw", scope="connector:github", reason=" ", confirm="STOP")
    assert missing.status_code == 422
    thrown = browser.submit(KILL, f"{KILL}/throw", **wish, confirm="stop")
    assert (thrown.status_code, thrown.headers["location"]) == (303, KILL)
    (switch,) = owner.get("/api/dashboard/kill-switch").json()["switches"]
    assert (switch["scope"], switch["reason"], switch["by"]) == ("connector:github", "odd <b>merges</b>", "Owner")
    for path in PAGES:
        page = browser.get(path).text
        assert "Kill switch on" in page
        assert "Kill switch is active" in page
        assert "odd &lt;b&gt;merges" in page
    refused = browser.submit(KILL, f"{KILL}/release", confirm="STOP")
    assert refused.status_code == 422
    browser.submit(KILL, f"{KILL}/release", confirm="RESUME")
    assert owner.get("/api/dashboard/kill-switch").json()["active"] is False
    assert "Kill switch off" in browser.get("/dashboard").text


def test_a_scope_that_does_not_exist_is_told(browser: Browser) -> None:
    refused = browser.submit(KILL, f"{KILL}/throw", scope="connector:none", reason="x", confirm="STOP")
    assert refused.status_code == 422
    assert "nothing is named" in refused.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.ADMIN])
def test_only_owners_throw(server: Running, owner: httpx.Client, role: Role) -> None:
    server.person(role)
    person = logged_in(server, role.value)
    page = person.get(KILL).text
    assert f"{KILL}/throw" not in [action for action, _ in forms_of(page)]
    csrf = person.form("/dashboard", "/dashboard/logout")["csrf"]
    refused = person.post(f"{KILL}/throw", {"csrf": csrf, "scope": "all", "reason": "x", "confirm": "STOP"})
    assert refused.status_code == 403
    assert f"needs the role owner, and yours is {role}" in refused.text
    assert owner.get("/api/dashboard/kill-switch").json()["active"] is False


def test_traffic_is_filtered_and_paged(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.owner()
        deliver(server, "e1", [intent(f"page_{number}") for number in range(60)])
        deliver(server, "e2", [refusal("page_denied", path="/denied")])
        _turn_pages(logged_in(server))


def _turn_pages(browser: Browser) -> None:
    first = browser.get("/dashboard/traffic")
    ids = re.findall(r'id="request-prx_1-(\w+)"', first.text)
    assert len(ids) == 50
    assert ids[0] == "page_denied"
    older = re.search(r'href="(/dashboard/traffic\?[^"]+)" rel="next"', first.text)
    assert older
    second = browser.get(unescape(older[1]))
    more = re.findall(r'id="request-prx_1-(\w+)"', second.text)
    assert len(more) == 11
    assert not set(ids) & set(more)
    assert 'data-topics="state,approvals"' in second.text, "an older page does not move"
    only = browser.get("/dashboard/traffic?decision=deny")
    assert re.findall(r'id="request-prx_1-(\w+)"', only.text) == ["page_denied"]
    assert "No requests fit" in browser.get("/dashboard/traffic?agent=nobody").text


def test_the_frame_tells_what_needs_attention(server: Running, owner: httpx.Client, browser: Browser) -> None:
    assert "Healthy" in browser.get("/dashboard").text
    assert owner.post("/api/dashboard/proxies", json={"name": "edge"}).status_code == 201
    page = browser.get("/dashboard").text
    assert "Needs attention" in page
    assert "proxy <code>edge</code> does not answer" in page
    assert owner.delete("/api/dashboard/proxies/edge").status_code == 204
