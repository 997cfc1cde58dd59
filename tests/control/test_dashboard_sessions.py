"""Log-in, log-out and sessions in the browser, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update
from tests.control.browsing import Browser, logged_in
from tests.control.running import KEY, PASSWORD, Running, running

from tameflare.control.services.sessions import IDLE_SECONDS, LIFE_SECONDS
from tameflare.control.store import tables
from tameflare.core.roles import Role
from tameflare.link.tokens import TokenKind, new_token

PAGES = ("/dashboard", "/dashboard/approvals", "/dashboard/traffic", "/dashboard/kill-switch", "/dashboard/nothing")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as made:
        yield made


def change_user(server: Running, name: str, **values: str) -> None:
    statement = update(tables.users).where(tables.users.c.name == name).values(**values)
    server.services.database.write_now(lambda connection: connection.execute(statement).close())


def is_in(browser: Browser) -> bool:
    return browser.get("/dashboard", **{"X-TameFlare-Live": "1"}).status_code == 200


def cookie_line(answer: httpx.Response, name: str) -> str:
    (line,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith(name)]
    return line


def test_the_first_owner_registers_in_the_browser_with_the_set_up_code(fresh: Running) -> None:
    code = fresh.services.setup_code.make()
    browser = Browser(fresh)
    assert browser.get("/").headers["location"] == "/dashboard"
    assert browser.get("/dashboard").headers["location"] == "/login?next=/dashboard"
    assert browser.get("/login").headers["location"] == "/register"
    filled = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
    refused = browser.submit("/register", "/register", **filled, setup_code="AAAA-AAAA-AAAA-AAAA")
    assert refused.status_code == 403
    assert "the set-up code is wrong" in refused.text
    assert 'value="ada@example.com"' in refused.text
    assert PASSWORD not in refused.text
    made = browser.submit("/register", "/register", **filled, setup_code=code)
    assert (made.status_code, made.headers["location"]) == (303, "/dashboard")
    assert "owner" in browser.get("/dashboard").text


def test_a_faulty_registration_tells_every_fault_and_makes_nobody(fresh: Running) -> None:
    code = fresh.services.setup_code.make()
    browser = Browser(fresh)
    refused = browser.submit("/register", "/register", name="Ada", email="ada", password="short", setup_code=code)
    assert refused.status_code == 422
    assert "this is no e-mail address" in refused.text
    assert "fewer than 12 characters" in refused.text
    assert not fresh.services.database.read_now(lambda connection: connection.execute(tables.users.select()).all())


def test_later_registration_is_closed_unless_it_is_open(tmp_path: Path) -> None:
    with running(tmp_path, {"SETTINGS_ENCRYPTION_KEY": KEY}) as server:
        server.owner()
        browser = Browser(server)
        assert "Registration is closed" in browser.get("/register").text
        assert "/register" not in browser.get("/login").text
        filled = {"name": "Eve", "email": "eve@example.com", "password": PASSWORD}
        refused = browser.post("/register", browser.form("/login", "/login") | filled)
    assert refused.status_code == 403


def test_log_in_leads_back_to_the_page_that_was_wanted(server: Running, owner: httpx.Client) -> None:
    browser = Browser(server)
    answer = browser.get("/dashboard/traffic?agent=a%20b&action=github.*")
    assert answer.status_code == 303
    login = answer.headers["location"]
    done = browser.submit(login, "/login", email="owner@example.com", password=PASSWORD)
    assert done.headers["location"] == "/dashboard/traffic?agent=a%20b&action=github.*"


@pytest.mark.parametrize(
    "address",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "/dashboard//evil.test", "/dashboard\r\nX: y", "/dashboardx",
     "javascript:alert(1)", "/dashboard/../api/docs", "/dashboard/./x", "/dashboard@evil.test"],
)  # fmt: skip
def test_log_in_leads_nowhere_else(server: Running, owner: httpx.Client, address: str) -> None:
    browser = Browser(server)
    fields = browser.form("/login", "/login")
    done = browser.post("/login", fields | {"email": "owner@example.com", "password": PASSWORD, "next": address})
    assert (done.status_code, done.headers["location"]) == (303, "/dashboard")


def test_wrong_e_mail_and_wrong_password_get_the_same_page(server: Running, owner: httpx.Client) -> None:
    browser = Browser(server)
    nobody = browser.log_in("nobody@example.com")
    mistyped = browser.log_in("owner@example.com", "wrong password")
    assert nobody.status_code == mistyped.status_code == 401
    assert nobody.text.replace("nobody@", "owner@") == mistyped.text
    assert "Invalid email or password" in mistyped.text
    assert not [line for line in mistyped.headers.get_list("set-cookie") if "session" in line]


def test_a_suspended_account_learns_so_only_after_its_password(server: Running, owner: httpx.Client) -> None:
    server.register("Gone")
    change_user(server, "Gone", status="suspended")
    browser = Browser(server)
    assert "Invalid email or password" in browser.log_in("gone@example.com", "wrong password").text
    told = browser.log_in("gone@example.com")
    assert told.status_code == 403
    assert "Account is suspended" in told.text


def test_log_in_is_throttled_together_with_that_of_the_api(fresh: Running) -> None:
    fresh.owner()
    browser = Browser(fresh)
    for _ in range(5):
        assert browser.log_in("owner@example.com", "wrong password").status_code == 401
        body = {"email": "owner@example.com", "password": "wrong password"}
        assert fresh.client().post("/api/dashboard/login", json=body).status_code == 401
    refused = browser.log_in()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 300
    assert "too many attempts" in refused.text
    fresh.clock.now += 301
    assert browser.log_in().status_code == 303


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(server: Running, owner: httpx.Client) -> None:
    browser = Browser(server)
    form = cookie_line(browser.get("/login"), "tameflare_form")
    session = cookie_line(browser.log_in(), "tameflare_session")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(form.split("; "))
    assert {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={LIFE_SECONDS}"} <= set(session.split("; "))
    assert "Domain" not in form + session


def test_by_https_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    public = {"SETTINGS_ENCRYPTION_KEY": KEY, "TF_PUBLIC_URL": "https://flare.example.com"}
    with running(tmp_path, public) as server:
        server.owner()
        host, origin = {"Host": "flare.example.com"}, "https://flare.example.com"
        page = server.client().get("/login", headers=host)
        form = cookie_line(page, "__Host-tameflare_form")
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
        assert token
        fields = {"csrf": token[1], "email": "owner@example.com", "password": PASSWORD, "next": ""}
        headers = {**host, "Cookie": form.partition(";")[0]}
        by_http = server.client().post("/login", data=fields, headers={**headers, "Origin": "http://flare.example.com"})
        answer = server.client().post("/login", data=fields, headers={**headers, "Origin": origin})
    assert by_http.status_code == 403
    session = cookie_line(answer, "__Host-tameflare_session")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(session.split("; "))


def test_the_database_holds_no_token(server: Running, owner: httpx.Client) -> None:
    browser = logged_in(server)
    token = browser.http.cookies["tameflare_session"]
    assert token.startswith(TokenKind.SESSION.value)
    rows = server.services.database.read_now(lambda connection: connection.execute(tables.sessions.select()).all())
    assert rows
    assert not any(token in str(row) or token.removeprefix("tfs_") in str(row) for row in rows)
    page = browser.get("/dashboard").text
    assert token not in page


def test_each_log_in_has_a_session_of_its_own_and_ends_the_one_before(server: Running, owner: httpx.Client) -> None:
    browser = logged_in(server)
    first = browser.http.cookies["tameflare_session"]
    fields = Browser(server)
    form = fields.form("/login", "/login")
    browser.http.cookies.set("tameflare_form", fields.http.cookies["tameflare_form"])
    again = browser.post("/login", form | {"email": "owner@example.com", "password": PASSWORD})
    second = again.cookies["tameflare_session"]
    assert second != first
    old = Browser(server)
    old.http.cookies.set("tameflare_session", first)
    assert not is_in(old)


def test_a_planted_session_is_not_taken_over(server: Running, owner: httpx.Client) -> None:
    browser = Browser(server)
    planted = new_token(TokenKind.SESSION)
    browser.http.cookies.set("tameflare_session", planted)
    assert browser.log_in().cookies["tameflare_session"] != planted


def test_a_session_ends_after_twelve_idle_hours(fresh: Running) -> None:
    fresh.owner()
    browser = logged_in(fresh)
    for _ in range(3):
        fresh.clock.now += IDLE_SECONDS - 1
        assert browser.get("/dashboard").status_code == 200
    fresh.clock.now += IDLE_SECONDS
    assert browser.get("/dashboard").headers["location"].startswith("/login")


def test_a_page_that_looks_for_news_by_itself_is_no_person(fresh: Running) -> None:
    fresh.owner()
    browser = logged_in(fresh)
    fresh.clock.now += IDLE_SECONDS - 1
    assert is_in(browser)
    fresh.clock.now += 1
    assert not is_in(browser)
    assert browser.get("/dashboard", **{"X-TameFlare-Live": "1"}).status_code == 401


def test_a_session_ends_after_seven_days_whatever_happens(fresh: Running) -> None:
    fresh.owner()
    browser = logged_in(fresh)
    step = IDLE_SECONDS - 60
    for _ in range((LIFE_SECONDS - 1) // step):
        fresh.clock.now += step
        assert browser.get("/dashboard").status_code == 200
    fresh.clock.now += LIFE_SECONDS % step + 60
    assert not is_in(browser)
    assert logged_in(fresh)
    rows = fresh.services.database.read_now(lambda connection: connection.execute(tables.sessions.select()).all())
    assert len(rows) == 1, "what is over is dropped at the next log-in"


def test_a_session_outlives_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.owner()
        token = logged_in(server).http.cookies["tameflare_session"]
    with running(tmp_path) as server:
        browser = Browser(server)
        browser.http.cookies.set("tameflare_session", token)
        assert is_in(browser)


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"role": "owner"}, {"role": "member"}])
def test_a_session_ends_when_its_user_is_suspended_or_gets_another_role(fresh: Running, change: dict[str, str]) -> None:
    fresh.owner()
    fresh.person(Role.ADMIN)
    browser = logged_in(fresh, "admin")
    change_user(fresh, "Admin", **change)
    assert not is_in(browser)


def test_log_out_ends_the_session_at_the_server(server: Running, owner: httpx.Client) -> None:
    browser = logged_in(server)
    token = browser.http.cookies["tameflare_session"]
    done = browser.submit("/dashboard", "/dashboard/logout")
    assert (done.status_code, done.headers["location"]) == (303, "/login")
    assert "tameflare_session" not in browser.http.cookies
    browser.http.cookies.set("tameflare_session", token)
    assert not is_in(browser)


def test_log_out_everywhere_ends_all_of_mine_and_nobody_elses(fresh: Running) -> None:
    fresh.owner()
    fresh.register("Ada")
    here, there, ada = logged_in(fresh), logged_in(fresh), logged_in(fresh, "ada")
    here.submit("/dashboard", "/dashboard/logout", everywhere="1")
    assert [is_in(browser) for browser in (here, there, ada)] == [False, False, True]


def test_no_token_opens_the_dashboard(server: Running, owner: httpx.Client) -> None:
    token = owner.headers["Authorization"].removeprefix("Bearer ")
    client = server.client(token)
    for path in PAGES:
        refused = client.get(path)
        assert refused.status_code == 401, path
        assert "a token does not open the dashboard" in refused.text
    for path in PAGES:
        for cookie in (token, "nonsense", "", new_token(TokenKind.SESSION)):
            browser = Browser(server)
            browser.http.cookies.set("tameflare_session", cookie)
            assert browser.get(path).headers["location"].startswith("/login"), path


def test_a_session_opens_neither_api_nor_link(server: Running, owner: httpx.Client) -> None:
    browser = logged_in(server)
    token = browser.http.cookies["tameflare_session"]
    for client in (browser.http, server.client(token)):
        assert client.get("/api/dashboard/me").status_code == 401
        assert client.get("/api/link/feed").status_code == 401
        assert client.post("/api/v1/kill-switch", json={"active": True}).status_code == 401
    assert "token of another kind" in server.client(token).get("/api/dashboard/me").text
