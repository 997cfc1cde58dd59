"""Chromium in front of a running control plane. Left out only on a machine that has no Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.browser.person import Person, Site, site

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one module at a time: while it is there, no other loop can run in this thread."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no Chromium on this machine; `tools/system_parts.sh browser` as root installs Debian's")
    with sync_playwright() as playwright:
        # Its sandbox needs privileges that a container or root does not have; it shows our own pages only.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation with an owner, a gateway and some traffic."""
    with site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def owner(chromium: Browser, here: Site) -> Iterator[Person]:
    """The owner, logged in."""
    with Person.visiting(chromium, here) as person:
        person.log_in()
        yield person


@pytest.fixture
def member(chromium: Browser, here: Site) -> Iterator[Person]:
    """A member, logged in, with the first page in front."""
    with Person.visiting(chromium, here) as person:
        person.log_in("member@example.com")
        yield person
