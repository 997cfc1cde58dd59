"""Pages that keep themselves up to date, by stream, by polling, and without taking away what somebody types."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Route, expect
from tests.browser.person import Person, Site
from tests.control.records import outcome

from tameflare.link.approvals import HeldAction

CUT, CONFLICT, UNAUTHORIZED = "net::ERR_FAILED", "status of 409", "status of 401"
"""What browsers log of streams that were cut and of answers that are no success."""
NOTE = HeldAction("stripe.customer.update", "low", "write", {"customer": "cus_1"}, {"name": "Ada"})


def wait_until_live(person: Person) -> None:
    expect(person.page.get_by_text("Live", exact=True)).to_be_visible()


def test_new_traffic_appears_by_itself_and_ends_by_itself(here: Site, owner: Person) -> None:
    owner.page.goto("/dashboard/traffic")
    wait_until_live(owner)
    here.deliver(here.intent("appears", path="/repos/appears"))
    row = owner.page.locator("#request-prx_1-appears")
    expect(row).to_contain_text("/repos/appears")
    expect(row).to_contain_text("…")
    row.evaluate("node => node.dataset.marked = 'same'")
    first = owner.page.locator("#request-prx_1-first")
    first.evaluate("node => node.dataset.marked = 'same'")
    here.deliver(outcome("appears"))
    expect(row).to_contain_text("200")
    assert row.get_attribute("data-marked") is None, "what changed is new"
    assert first.get_attribute("data-marked") == "same", "what did not stays the very node"


def test_the_kill_switch_shows_on_every_page_at_once(here: Site, owner: Person) -> None:
    owner.page.goto("/dashboard/traffic")
    wait_until_live(owner)
    body = {"active": True, "scope": "connector:github", "reason": "odd merges"}
    assert here.api.post("/api/v1/kill-switch", json=body).status_code == 200
    expect(owner.page.get_by_role("alert")).to_contain_text("Kill switch is active for connector:github: odd merges")
    here.api.post("/api/v1/kill-switch", json={**body, "active": False})
    expect(owner.page.get_by_role("link", name="Kill switch off")).to_be_visible()
    expect(owner.page.get_by_role("alert")).to_have_count(0)


def test_an_approval_arrives_is_answered_and_its_end_is_seen(here: Site, member: Person) -> None:
    page = member.page
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    wait_until_live(member)
    asked = here.plane.raise_("live-1", digest="live-1", actions=(NOTE,))
    card = page.locator(f"#{asked.approval}")
    expect(card).to_contain_text("stripe.customer.update")
    expect(card.locator(".left")).to_have_text(re.compile(r"^0[0-5]:\d\d left$"))
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    card.get_by_label("Reason").fill("go ahead")
    card.get_by_role("button", name="Approve").click()
    expect(page.locator("#said")).to_contain_text("approved")
    assert here.plane.consume(asked.approval, "live-1", "live-1").standing == "released"
    expect(page.locator("#said")).to_contain_text("let go")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()


def test_what_somebody_types_stays_while_the_page_changes(here: Site, member: Person) -> None:
    page = member.page
    wait_until_live(member)
    asked = here.plane.raise_("typed-1", digest="typed", actions=(NOTE,))
    card = page.locator(f"#{asked.approval}")
    reason = card.get_by_label("Reason")
    reason.fill("half a sen")
    card.get_by_label("Approve for").select_option("hour")
    reason.focus()
    here.plane.raise_("typed-2", digest="typed", actions=(NOTE,))
    expect(card).to_contain_text("2 connections waiting")
    expect(reason).to_be_focused()
    page.keyboard.type("tence")
    expect(reason).to_have_value("half a sentence")
    expect(card.get_by_label("Approve for")).to_have_value("hour")
    other = here.plane.raise_("typed-3", digest="other", actions=(NOTE,))
    expect(page.locator(f"#{other.approval}")).to_be_visible()
    expect(reason).to_have_value("half a sentence")
    page.keyboard.press("Enter")
    expect(reason).to_have_value("half a sentence")
    for approval in (asked.approval, other.approval):
        page.locator(f"#{approval}").get_by_role("button", name="Deny").click()
        expect(page.locator(f"#{approval}")).to_have_count(0)


def test_a_double_click_sends_one_answer(here: Site, member: Person) -> None:
    sent: list[str] = []
    member.page.on("request", lambda request: sent.append(request.method) if "votes" in request.url else None)
    wait_until_live(member)
    asked = here.plane.raise_("double-1", digest="double", actions=(NOTE,))
    member.page.locator(f"#{asked.approval}").get_by_role("button", name="Approve").dblclick()
    expect(member.page.locator("#said")).to_contain_text("approved")
    assert sent == ["POST"]


def test_two_people_at_once_are_told_kindly(here: Site, member: Person) -> None:
    wait_until_live(member)
    member.page.route("**/dashboard/events*", lambda route: route.abort())
    asked = here.plane.raise_("both-1", digest="both", actions=(NOTE,))
    button = member.page.locator(f"#{asked.approval}").get_by_role("button", name="Approve")
    expect(button).to_be_visible()

    def let_admin_be_quicker(route: Route) -> None:
        here.admin.post(f"/api/dashboard/approvals/{asked.approval}/votes", json={"vote": "deny", "reason": "no"})
        route.continue_()

    member.page.route("**/votes", let_admin_be_quicker)
    button.click()
    expect(member.page.get_by_role("status").first).to_contain_text("Somebody has answered this before you.")
    member.expected += [CONFLICT, CUT]


def test_without_a_stream_the_page_looks_every_ten_seconds(chromium: Browser, here: Site) -> None:
    with Person.visiting(chromium, here) as person:
        page = person.page
        page.route("**/dashboard/events*", lambda route: route.abort())
        page.clock.install()
        person.log_in()
        page.goto("/dashboard/traffic")
        here.deliver(here.intent("polled"), outcome("polled"))
        page.clock.fast_forward(10_500)
        expect(page.locator("#request-prx_1-polled")).to_be_visible()
        expect(page.get_by_text("Looks for news every 10 seconds")).to_be_visible()
        person.expected.append(CUT)


def test_the_time_left_goes_by_the_servers_clock(chromium: Browser, here: Site) -> None:
    asked = here.plane.raise_("clock-1", digest="clock", actions=(NOTE,))
    with Person.visiting(chromium, here) as person:
        person.page.clock.install(time=here.server.clock.now + 3600)
        person.log_in("member@example.com")
        left = person.page.locator(f"#{asked.approval} .left")
        expect(left).to_have_text(re.compile(r"^0[45]:\d\d left$"))
        person.page.clock.run_for(250_000)
        expect(left).to_have_text(re.compile(r"^00:[0-5]\d left$"))
        person.page.locator(f"#{asked.approval}").get_by_role("button", name="Deny").click()
        person.page.wait_for_url("**/dashboard?said=*")


def test_a_page_in_the_background_gives_its_stream_back(here: Site, owner: Person) -> None:
    wait_until_live(owner)
    ended: list[str] = []
    owner.page.on("requestfailed", lambda request: ended.append(request.url))
    owner.page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    with owner.page.expect_request("**/dashboard/events*"):
        owner.page.evaluate(
            "() => { Object.defineProperty(document, 'hidden', {value: false, configurable: true});"
            " document.dispatchEvent(new Event('visibilitychange')); }"
        )
    assert any("/dashboard/events" in url for url in ended)


def test_a_session_that_ends_leads_to_the_log_in(here: Site, owner: Person) -> None:
    owner.page.goto("/dashboard/traffic")
    wait_until_live(owner)
    owner.page.context.clear_cookies()
    here.deliver(here.intent("ended"), outcome("ended"))
    owner.page.wait_for_url("**/login?next=/dashboard/traffic")
    owner.expected.append(UNAUTHORIZED)
