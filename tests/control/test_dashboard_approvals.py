"""Approvals in the browser, over HTTP: what people see before they answer, and what their answer does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from tests.control.browsing import Browser, forms_of, logged_in
from tests.control.holding import REFUND, Plane
from tests.control.running import Running, running
from tests.control.test_dashboard_pages import EVIL, HOSTILE

from tameflare.core.approval import Requirement
from tameflare.core.roles import Role
from tameflare.link.approvals import HeldAction

APPROVALS = "/dashboard/approvals"
NOTE = HeldAction("stripe.customer.update", "low", "write", {"customer": "cus_1"}, {"name": "Ada"})


class Site:
    """A fresh installation, a proxy at which requests wait, and a member in the browser. The owner made the agent."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.api = server.owner()
        self.plane = Plane(server, self.api)
        server.person(Role.MEMBER)
        server.person(Role.ADMIN)
        self.browser = logged_in(server, "member")

    def shown(self, approval: str) -> dict[str, object]:
        return dict(self.api.get(f"/api/dashboard/approvals/{approval}").json())

    def answer(self, approval: str, vote: str, page: str = APPROVALS, **values: str) -> httpx.Response:
        action = f"{APPROVALS}/{approval}/votes"
        return self.browser.submit(page, action, vote=vote, **{"remember": "none", **values})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path) as server:
        yield Site(server)


def text_of(page: str) -> str:
    """What a reader sees, in one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)))


@pytest.mark.parametrize("path", ["/dashboard", APPROVALS])
def test_a_page_shows_exactly_what_will_happen(site: Site, path: str) -> None:
    asked = site.plane.raise_("r1", requirement=Requirement(quorum=2))
    site.plane.raise_("r2", requirement=Requirement(quorum=2))
    page = site.browser.get(path).text
    seen = text_of(page)
    for part in (
        "deploy asks for stripe.refund.create with amount=500, charge=ch_1",
        "deploy of gateway main, run run_1",
        "amount 500",
        "charge ch_1",
        "POST api.stripe.com/v1/refunds",
        "high risk",
        "money",
        "2 connections waiting",
        "Needs 2 people with the role member or above",
    ):
        assert part in seen, part
    assert f'data-until="{asked.expires_at}"' in page
    assert "<title>(1) " in page
    assert '<span class="count">1' in page


def test_an_approval_lets_the_request_go(site: Site) -> None:
    asked = site.plane.raise_("r1")
    answered = site.answer(asked.approval, "approve", reason="go ahead")
    assert (answered.status_code, answered.headers["location"]) == (303, f"{APPROVALS}?said={asked.approval}")
    (told,) = site.plane.told()
    assert (told.verdict, told.approval) == ("allow", asked.approval)
    assert site.plane.consume(asked.approval, "r1").standing == "released"
    page = text_of(site.browser.get(answered.headers["location"]).text)
    assert "let go" in page
    assert "Member agreed: “go ahead”" in page
    assert "Nothing waits for you" in page


def test_a_denial_tells_the_agent_why_and_leads_back_to_the_page_it_came_from(site: Site) -> None:
    asked = site.plane.raise_("r1")
    answered = site.answer(asked.approval, "deny", page="/dashboard", reason="ask Ada first")
    assert answered.headers["location"] == f"/dashboard?said={asked.approval}"
    (told,) = site.plane.told()
    assert (told.verdict, told.message) == ("deny", "ask Ada first")
    assert "denied: ask Ada first" in text_of(site.browser.get(answered.headers["location"]).text)


def test_a_double_click_changes_nothing_and_is_told_kindly(site: Site) -> None:
    asked = site.plane.raise_("r1")
    action = f"{APPROVALS}/{asked.approval}/votes"
    fields = site.browser.form(APPROVALS, action) | {"vote": "approve"}
    assert site.browser.post(action, fields).status_code == 303
    again = site.browser.post(action, fields)
    assert again.status_code == 409
    assert "Your answer is in already." in again.text
    assert site.shown(asked.approval)["status"] == "approved"
    late = logged_in(site.server)
    too_late = late.post(action, {"csrf": late.form(APPROVALS, "/dashboard/logout")["csrf"], "vote": "deny"})
    assert too_late.status_code == 409
    assert "Somebody has answered this before you." in too_late.text
    assert site.shown(asked.approval)["status"] == "approved"
    assert len(site.plane.told()) == 1


def test_the_next_person_sees_who_agreed_and_who_is_missing(site: Site) -> None:
    asked = site.plane.raise_("r1", requirement=Requirement(quorum=2))
    site.answer(asked.approval, "approve", reason="fine <b>by</b> me")
    assert site.shown(asked.approval)["status"] == "pending"
    page = logged_in(site.server, "admin").get(f"{APPROVALS}/{asked.approval}").text
    assert "fine &lt;b&gt;by&lt;/b&gt; me" in page
    assert "Needs 1 more person with the role member or above" in text_of(page)


def test_who_may_not_answer_is_told_why_and_gets_no_form(site: Site) -> None:
    asked = site.plane.raise_("r1")
    site.server.person(Role.VIEWER)
    action = f"{APPROVALS}/{asked.approval}/votes"
    for name, why, status in (
        ("owner", "you made this agent or the token of its run", 403),
        ("viewer", "this needs the role member, and yours is viewer", 403),
    ):
        browser = logged_in(site.server, name)
        for path in ("/dashboard", APPROVALS, f"{APPROVALS}/{asked.approval}"):
            page = browser.get(path).text
            assert f"You cannot answer this: {why}" in text_of(page)
            assert action not in [target for target, _ in forms_of(page)]
        csrf = browser.form(APPROVALS, "/dashboard/logout")["csrf"]
        refused = browser.post(action, {"csrf": csrf, "vote": "approve"})
        assert refused.status_code == status
        assert 'role="alert"' in refused.text
    assert site.shown(asked.approval)["status"] == "pending"
    assert site.shown(asked.approval)["votes"] == []


def test_a_role_that_a_rule_asks_for_is_told(site: Site) -> None:
    asked = site.plane.raise_("r1", requirement=Requirement(role=Role.ADMIN))
    page = text_of(site.browser.get(APPROVALS).text)
    assert "You cannot answer this: this needs the role admin, and yours is member" in page
    csrf = site.browser.form(APPROVALS, "/dashboard/logout")["csrf"]
    refused = site.browser.post(f"{APPROVALS}/{asked.approval}/votes", {"csrf": csrf, "vote": "approve"})
    assert "needs the role admin, and yours is member" in refused.text
    assert site.shown(asked.approval)["votes"] == []


def test_an_answer_is_remembered_and_forgotten_again(site: Site) -> None:
    asked = site.plane.raise_("r1", actions=(NOTE,))
    assert '<option value="run">' in site.browser.get(APPROVALS).text
    site.answer(asked.approval, "approve", remember="hour")
    page = site.browser.get(APPROVALS).text
    assert "deploy may stripe.customer.update customer cus_1" in text_of(page)
    (memory,) = site.api.get("/api/dashboard/approvals/remembered").json()["remembered"]
    assert memory["run"] == ""
    action = f"{APPROVALS}/remembered/{memory['id']}/forget"
    site.server.person(Role.VIEWER)
    viewer = logged_in(site.server, "viewer")
    assert action not in [target for target, _ in forms_of(viewer.get(APPROVALS).text)]
    csrf = viewer.form(APPROVALS, "/dashboard/logout")["csrf"]
    assert viewer.post(action, {"csrf": csrf}).status_code == 403
    assert site.browser.submit(APPROVALS, action).headers["location"] == APPROVALS
    assert site.api.get("/api/dashboard/approvals/remembered").json() == {"remembered": []}


def test_answers_about_money_are_not_remembered(site: Site) -> None:
    asked = site.plane.raise_("r1", actions=(REFUND,))
    assert 'name="remember"' not in site.browser.get(APPROVALS).text
    refused = site.answer(asked.approval, "approve", remember="hour")
    assert refused.status_code == 422
    assert "are not remembered" in refused.text
    assert site.shown(asked.approval)["status"] == "pending"


@pytest.mark.parametrize(
    "values",
    [{"vote": ""}, {"vote": "Approve"}, {"remember": "year"}, {"reason": "x" * 501}, {"reason": "a\nb"}],
    ids=str,
)
def test_what_is_no_answer_changes_nothing(site: Site, values: dict[str, str]) -> None:
    asked = site.plane.raise_("r1")
    refused = site.answer(asked.approval, **{"vote": "approve", **values})
    assert refused.status_code == 422
    assert site.shown(asked.approval)["votes"] == []


@pytest.mark.parametrize("origin", ["http://evil.test", "null", None])
def test_another_site_cannot_answer(site: Site, origin: str | None) -> None:
    asked = site.plane.raise_("r1")
    action = f"{APPROVALS}/{asked.approval}/votes"
    fields = site.browser.form(APPROVALS, action) | {"vote": "approve"}
    assert site.browser.post(action, fields, origin).status_code == 403
    other = logged_in(site.server, "admin")
    assert site.browser.post(action, {**fields, "csrf": other.form(APPROVALS, action)["csrf"]}).status_code == 403
    assert Browser(site.server).post(action, fields).status_code == 401
    assert site.shown(asked.approval)["votes"] == []


def test_nothing_that_an_agent_asks_for_becomes_markup(site: Site) -> None:
    evil = HeldAction(EVIL, EVIL, EVIL, {EVIL: EVIL}, {EVIL: [EVIL, {EVIL: None}], "text": EVIL})
    asked = site.plane.raise_("r1", actions=(evil, NOTE), method=EVIL, host=EVIL, path=EVIL, run=EVIL)
    for path in ("/dashboard", APPROVALS, f"{APPROVALS}/{asked.approval}"):
        page = site.browser.get(path).text
        assert not re.search(r"<(script(?! src=\"/dashboard/static/)|img(?! src=\"/dashboard/static/)|svg)", page)
        assert not re.search(r"<[^>]*\s(on\w+|style)\s*=", page)
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", page)
        shown = unescape(re.sub(r"<[^>]+>", "", page))
        for text in HOSTILE[:7]:
            assert text in shown
    site.answer(asked.approval, "deny")
    page = site.browser.get(f"{APPROVALS}?said={asked.approval}").text
    assert "&lt;script&gt;" in page
    assert not re.search(r"<(script(?! src=\"/dashboard/static/)|img(?! src=\"/dashboard/static/)|svg)", page)


def test_an_approval_that_is_not_there_is_told(site: Site) -> None:
    assert site.browser.get(f"{APPROVALS}/apr_none").status_code == 404
    assert site.browser.get(f"{APPROVALS}?said=<script>").status_code == 200
    csrf = site.browser.form(APPROVALS, "/dashboard/logout")["csrf"]
    assert site.browser.post(f"{APPROVALS}/apr_none/votes", {"csrf": csrf, "vote": "deny"}).status_code == 404
    assert site.browser.get(f"{APPROVALS}?older=nonsense").status_code == 422


def test_what_was_answered_before_is_paged(site: Site) -> None:
    for number in range(22):
        asked = site.plane.raise_(f"r{number}", digest=f"d{number}")
        site.api.post(f"/api/dashboard/approvals/{asked.approval}/votes", json={"vote": "deny"})
        csrf = site.browser.form(APPROVALS, "/dashboard/logout")["csrf"]
        site.browser.post(f"{APPROVALS}/{asked.approval}/votes", {"csrf": csrf, "vote": "deny"})
        site.server.clock.now += 1
    first = site.browser.get(APPROVALS).text
    older = re.search(r'href="(/dashboard/approvals\?older=[^"]+)" rel="next"', first)
    assert older
    second = site.browser.get(unescape(older[1])).text
    ids = [re.findall(rf'href="{APPROVALS}/(apr_\w+)"', page) for page in (first, second)]
    assert [len(found) for found in ids] == [20, 2]
    assert not set(ids[0]) & set(ids[1])


def test_a_card_says_what_it_does_not_show(site: Site) -> None:
    site.plane.raise_("r1", unshown="a body of 9 bytes: it is <odd>", content_type="text/\u202eodd")
    text = site.browser.get(APPROVALS).text
    assert "Not shown here: a body of 9 bytes: it is &lt;odd&gt;" in text
    assert '<span class="odd">U+202E</span>odd' in text
