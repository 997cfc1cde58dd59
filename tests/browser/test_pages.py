"""What a person sees and can do: without JavaScript, by keyboard, on a phone, in the dark, and with hostile agents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.person import PAGES, Person, Site
from tests.control.records import outcome
from tests.control.running import PASSWORD, running
from tests.control.test_dashboard_pages import EVIL

from tameflare.link.approvals import HeldAction
from tameflare.link.messages import RecordedAction

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
MEASURE = (Path(__file__).parent / "measure.js").read_text()


def measured(page: Page) -> dict[str, list[str]]:
    found: dict[str, list[str]] = page.evaluate(MEASURE)
    return found


@pytest.fixture
def busy(here: Site) -> Site:
    """Something of everything stands on the pages."""
    note = HeldAction("stripe.customer.update", "low", "write", {"customer": "cus_1"}, {"name": "Ada"})
    refund = HeldAction("stripe.refund.create", "high", "money", {"charge": "ch_1"}, {"amount": 500, "text": "x" * 300})
    here.plane.raise_("busy-1", digest="busy-1", actions=(note,))
    here.plane.raise_("busy-2", digest="busy-2", actions=(refund, note))
    answered = here.plane.raise_("busy-3", digest="busy-3", actions=(note,))
    here.admin.post(f"/api/dashboard/approvals/{answered.approval}/votes", json={"vote": "approve", "remember": "hour"})
    denied = here.plane.raise_("busy-4", digest="busy-4", actions=(refund,))
    here.admin.post(f"/api/dashboard/approvals/{denied.approval}/votes", json={"vote": "deny", "reason": "no"})
    return here


def test_the_owner_registers_with_the_code_that_tf_up_printed(chromium: Browser, tmp_path: Path) -> None:
    with running(tmp_path) as server, Person.visiting(chromium, Site.empty(server)) as person:
        code = server.services.setup_code.make()
        page = person.page
        page.goto("/")
        page.get_by_label("Set-up code").fill(code.lower())
        page.get_by_label("Your name").fill("Ada")
        page.get_by_label("Email").fill("ada@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create the owner").click()
        expect(page.get_by_role("heading", name="Recent traffic")).to_be_visible()
        page.get_by_text("Ada", exact=True).first.click()
        page.get_by_role("button", name="Log out", exact=True).click()
        page.wait_for_url("**/login")


def test_the_measure_notices_what_it_is_there_for(here: Site, owner: Person) -> None:
    owner.page.goto("/dashboard/kill-switch")
    assert not any(measured(owner.page).values())
    owner.page.evaluate(
        "() => { const [h1, button] = ['h1', '.solid'].map((name) => document.querySelector(name).style);"
        " Object.assign(h1, {color: '#888', flex: 'none', width: '2000px'});"
        " Object.assign(button, {minHeight: 0, height: '20px'});"
        " document.querySelector('#reason').removeAttribute('id'); }"
    )
    found = measured(owner.page)
    assert [bool(found[name]) for name in ("contrast", "wide", "small", "nameless")] == [True] * 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(chromium: Browser, busy: Site, scheme: Any) -> None:
    with Person.visiting(chromium, busy, color_scheme=scheme, reduced_motion="reduce") as person:
        person.page.goto("/login")
        assert measured(person.page)["contrast"] == []
        person.log_in("admin@example.com")
        busy.api.post("/api/v1/kill-switch", json={"active": True, "scope": "gateway:main", "reason": "look"})
        for path in (*PAGES, "/dashboard?said=x"):
            person.page.goto(path)
            assert measured(person.page)["contrast"] == [], path
        person.page.locator("#health summary").click()
        assert measured(person.page)["contrast"] == []
        busy.api.post("/api/v1/kill-switch", json={"active": False, "scope": "gateway:main"})


def test_on_a_phone_nothing_is_cut_off_and_everything_can_be_hit(chromium: Browser, busy: Site) -> None:
    with Person.visiting(chromium, busy, **PHONE) as person:
        person.page.goto("/login")
        assert measured(person.page)["wide"] == []
        person.log_in("admin@example.com")
        for path in PAGES:
            person.page.goto(path)
            found = measured(person.page)
            assert found["wide"] == [], path
            assert found["small"] == [], path


def test_every_field_has_a_name_and_every_page_one_heading(chromium: Browser, busy: Site) -> None:
    with Person.visiting(chromium, busy) as person:
        person.log_in("admin@example.com")
        for path in PAGES:
            person.page.goto(path)
            assert measured(person.page)["nameless"] == [], path
            assert person.page.locator("h1").count() == 1, path
            assert person.page.locator("html").get_attribute("lang") == "en"


def test_everything_is_reached_by_keyboard_and_the_focus_is_seen(chromium: Browser, here: Site) -> None:
    with Person.visiting(chromium, here) as person:
        page = person.page
        page.goto("/login")
        expect(page.get_by_label("Email")).to_be_focused()
        page.keyboard.type("owner@example.com")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        reached = []
        for _ in range(9):
            page.keyboard.press("Tab")
            seen = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert seen != "none"
            reached.append(page.evaluate("() => document.activeElement.innerText.split('\\n')[0].trim()"))
        for name in ("Overview", "Approvals", "Traffic", "Kill switch"):
            assert any(text.startswith(name) for text in reached), reached
        page.locator("#health summary").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Health")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("heading", name="Health")).to_be_hidden()
        expect(page.locator("#health summary")).to_be_focused()


def test_all_of_it_works_without_javascript(chromium: Browser, here: Site) -> None:
    note = HeldAction("stripe.customer.update", "low", "write", {"customer": "cus_1"}, {})
    asked = here.plane.raise_("plain-1", digest="plain", actions=(note,))
    with Person.visiting(chromium, here, java_script_enabled=False) as person:
        page = person.page
        person.log_in("admin@example.com")
        card = page.locator(f"#{asked.approval}")
        expect(card.locator(".left")).to_contain_text("UTC")
        card.get_by_role("button", name="Deny").click()
        expect(page.locator("#said")).to_contain_text("denied")
        page.get_by_role("link", name="Traffic", exact=True).click()
        expect(page.locator("#request-prx_1-first")).to_contain_text("UTC")
        page.get_by_label("Action").fill("nothing.*")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_text("No requests fit.")).to_be_visible()
    with Person.visiting(chromium, here, java_script_enabled=False) as person:
        page = person.page
        person.log_in()
        page.goto("/dashboard/kill-switch")
        page.get_by_label("What to stop").select_option("gateway:main")
        page.get_by_label("Why").fill("a drill")
        page.get_by_label("Type STOP to confirm").fill("STOP")
        page.get_by_role("button", name="Stop now").click()
        expect(page.get_by_role("alert")).to_contain_text("a drill")
        page.get_by_label("Type RESUME to confirm").fill("RESUME")
        page.get_by_role("button", name="Let go on").click()
        expect(page.get_by_role("link", name="Kill switch off")).to_be_visible()


def test_what_hostile_agents_write_runs_nowhere(here: Site, owner: Person, chromium: Browser) -> None:
    evil = HeldAction(EVIL, EVIL, EVIL, {EVIL: EVIL}, {EVIL: EVIL})
    asked = here.plane.raise_("evil-1", digest="evil", actions=(evil,), host=EVIL, path=EVIL, run=EVIL, method=EVIL)
    action = RecordedAction(EVIL, EVIL, EVIL, {EVIL: EVIL})
    told = dict.fromkeys(("agent", "run", "connector", "method", "host", "path", "message", "user_agent"), EVIL)
    here.deliver(here.intent("evil", actions=(action,), **told), outcome("evil"))
    asks: list[str] = []
    owner.page.on("dialog", lambda dialog: asks.append(dialog.message))
    for path in (*PAGES, "/dashboard/traffic/evil", f"/dashboard/approvals/{asked.approval}"):
        owner.page.goto(path)
        expect(owner.page.get_by_text("Live", exact=True)).to_be_visible()
        assert owner.page.locator("main script, main img, main svg, main [onclick], main [onerror]").count() == 0, path
    owner.page.goto("/dashboard")
    expect(owner.page.get_by_text("Live", exact=True)).to_be_visible()
    here.deliver(here.intent("evil-live", actions=(action,), **told), outcome("evil-live"))
    expect(owner.page.locator("#request-prx_1-evil-live")).to_contain_text("<script>alert(1)</script>")
    assert asks == []
    with Person.visiting(chromium, here) as person:
        person.log_in("admin@example.com")
        person.page.locator(f"#{asked.approval}").get_by_role("button", name="Deny").click()
        expect(person.page.locator("#said")).to_contain_text("denied")


def test_the_content_policy_stops_what_would_get_through(here: Site, owner: Person) -> None:
    owner.page.evaluate(
        "() => { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit=1\">'); }"
    )
    owner.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.hit=2'; document.body.append(s); }"
    )
    owner.page.evaluate("() => fetch('http://localhost:1/').catch(() => null)")
    assert owner.page.evaluate("() => window.hit === undefined")
    assert sum("Content Security Policy" in trouble for trouble in owner.troubles) >= 3
    owner.troubles.clear()
    owner.strayed.clear()
