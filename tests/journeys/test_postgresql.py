"""The whole product on PostgreSQL, with a second control plane on the same database."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from typing import Self

import httpx
import pytest
from tests.control.running import Running, running
from tests.support import processes
from tests.support.asking import GATEWAY, Asking, asking
from tests.support.doubles import Vendors
from tests.support.postgres import Databases
from tests.support.product import Governed

from tameflare.core.errors import TameFlareError
from tameflare.core.secret import Secret
from tameflare.demo.product import Product, wait_until

RULES = f"/api/dashboard/gateways/{GATEWAY}/agents"


@pytest.fixture(scope="module")
def url(databases: Databases) -> Secret:
    return databases.empty()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors, url: Secret) -> Iterator[tuple[Asking, Asking]]:
    """The first is a whole installation that agents use. The second is another server on its database, which no proxy
    asks for anything."""
    directory = tmp_path_factory.mktemp("shared")
    settings = {"DATABASE_URL": url.reveal(), "SETTINGS_ENCRYPTION_KEY": secrets.token_hex(32)}
    with asking(directory / "first", vendors, **settings) as first:
        (directory / "second").mkdir()
        with running(directory / "second", settings) as server:
            server.clock.now = time.time()
            yield first, Asking(_seen_by(first.product, server), vendors)


def _seen_by(first: Product, server: Running) -> Product:
    """The first installation, with the other server in the place of its own."""
    product = Product(first.directory, first.pins, first.authority, first.settings)
    product.server, product.proxy = server.url, first.proxy
    product._client.close()
    product._client = server.client(first.personal_token)
    return product


def test_an_answer_given_at_one_lets_go_what_the_proxy_of_the_other_holds(both: tuple[Asking, Asking]) -> None:
    first, second = both
    request = first.write("across")
    shown = second.about("across")
    second.vote(shown["id"], reason="seen at the other one")
    answer = request.result()
    assert answer.status_code == 201, answer.text
    assert first.sent("across") == 1
    record = second.record(answer.headers["x-tameflare-request-id"])
    assert (record["decision"], record["reason"]) == ("allow", "approved")
    assert second.becomes(shown["id"], "executed")["outcome"]["status"] == 201


def test_a_kill_switch_thrown_at_one_bites_at_the_proxy_of_the_other(both: tuple[Asking, Asking]) -> None:
    first, second = both
    held = first.write("killed")
    second.about("killed")
    second.product.api("POST", "/api/v1/kill-switch", {"active": True, "scope": "connector:github", "reason": "drill"})
    try:
        answer = held.result()
        assert (answer.status_code, answer.json()["code"]) == (403, "kill_switch_active")
        first.product.wait_for_configuration()
        assert first.send("GET", "https://api.github.com/repos/acme/site").result().status_code == 403
    finally:
        second.product.kill_switch(active=False, scope="connector:github")
    first.product.wait_for_configuration()
    assert first.send("GET", "https://api.github.com/repos/acme/site").result().status_code != 403


def test_programs_run_and_the_command_line_knows_its_database(both: tuple[Asking, Asking], url: Secret) -> None:
    first, _ = both
    governed = Governed(first.product, first.vendors)
    seen = governed.python(
        """
        import json, os, urllib.request
        with urllib.request.urlopen("https://api.github.com/repos/acme/site") as answer:
            print(json.dumps([answer.status, "DATABASE_URL" in os.environ]))
        """
    )
    assert seen == [200, False]
    governed.record(lambda row: row["path"] == "/repos/acme/site" and row["decision"] == "allow")
    status = governed.operate("db", "status", "--json")
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)["standing"] == "current"
    assert not list((first.product.data / "server").glob("*.db"))
    assert url.reveal() not in first.product.log_text()


def test_a_server_that_is_killed_while_it_writes_loses_nothing_it_acknowledged(both: tuple[Asking, Asking]) -> None:
    first, second = both
    with Writer(first.product, "one") as one, Writer(second.product, "two") as two:
        processes.kill(Governed(first.product, first.vendors), "tameflare.control")
    assert {*one.made, *two.made} <= agents(first.product)
    assert first.product.newest_version() == second.product.newest_version()


def test_while_postgresql_is_away_the_api_says_so_agents_go_on_and_nothing_is_lost(
    both: tuple[Asking, Asking], databases: Databases
) -> None:
    first, second = both
    url = "https://api.github.com/repos/acme/site"
    with Writer(first.product, "three") as three:
        databases.postgres.stop("immediate")
        try:
            wait_until(lambda: bool(three.refused), "the API to refuse", 20)
            passed = first.send("GET", url).result()
            assert not second.product.answers(second.product.server + "/api/health")
        finally:
            databases.postgres.start()
    assert passed.status_code == 200
    assert all("503" in refused for refused in three.refused)
    assert set(three.made) <= agents(second.product)
    record = second.record(passed.headers["x-tameflare-request-id"])
    assert record["decision"] == "allow"
    assert first.write("healed").is_alive()
    first.vote(second.about("healed")["id"])


class Writer(threading.Thread):
    """Makes agents one after the other until it is told to stop; `made` are those that were acknowledged."""

    def __init__(self, product: Product, prefix: str) -> None:
        super().__init__(daemon=True)
        self._product = product
        self._prefix = prefix
        self._over = threading.Event()
        self.made: list[str] = []
        self.refused: list[str] = []

    def run(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            name = f"{self._prefix}-{number}"
            try:
                self._product.api("POST", RULES, {"name": name})
            except TameFlareError as fault:
                self.refused.append(fault.message)
            except httpx.HTTPError:
                continue  # the server was killed; another one comes
            else:
                self.made.append(name)

    def __enter__(self) -> Self:
        self.start()
        wait_until(lambda: len(self.made) >= 10, "the writing to begin")
        return self

    def __exit__(self, *_: object) -> None:
        mark = len(self.made) + 10
        try:
            wait_until(lambda: len(self.made) >= mark, "the writing to go on")
        finally:
            self._over.set()
            self.join()


def agents(product: Product) -> set[str]:
    return {agent["name"] for agent in product.api("GET", RULES)["items"]}
