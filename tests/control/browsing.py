"""A person's browser, without a screen: keeps cookies, reads forms from pages and posts them as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx
from tests.control.running import PASSWORD, Running

Fields = dict[str, str]
NO_LOCATION: Fields = {}


class _Forms(HTMLParser):
    """Every form of a page by its action; hidden and filled in fields with their values."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, Fields]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag == "input" and self.forms and "name" in values:
            self.forms[-1][1][values["name"]] = values.get("value", "")


def forms_of(page: str) -> list[tuple[str, Fields]]:
    parser = _Forms()
    parser.feed(page)
    return parser.forms


class Browser:
    """Follows no redirect by itself, so that tests see each step."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.http = server.client()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(path, headers=headers)

    def form(self, path: str, action: str) -> Fields:
        """The fields of the first form on the page at `path` that goes to `action`."""
        page = self.get(path)
        assert page.status_code == 200, page.text
        return next(fields for target, fields in forms_of(page.text) if target == action)

    def post(self, action: str, fields: Fields, origin: str | None = "") -> httpx.Response:
        """As a browser posts a form: with the origin of the page, or another, or none."""
        headers = {} if origin is None else {"Origin": origin or self.server.url}
        return self.http.post(action, data=fields, headers=headers)

    def submit(self, path: str, action: str, **values: str) -> httpx.Response:
        """Fill in a form of the page at `path` and send it."""
        return self.post(action, self.form(path, action) | values)

    def log_in(self, email: str = "owner@example.com", password: str = PASSWORD) -> httpx.Response:
        return self.submit("/login", "/login", email=email, password=password)


def logged_in(server: Running, name: str = "owner") -> Browser:
    browser = Browser(server)
    answer = browser.log_in(f"{name}@example.com")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard"), answer.text
    return browser
