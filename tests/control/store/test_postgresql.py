"""PostgreSQL as several servers share it: one after the other, in touch with each other, and when it fails."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from structlog.testing import capture_logs
from tests.control.running import running
from tests.control.store.conftest import Place
from tests.support import processes
from tests.support.postgres import Databases
from tests.support.waiting import wait_for

from tameflare.cli.checks import machine
from tameflare.cli.checks.around import Around
from tameflare.cli.checks.findings import Finding
from tameflare.control.store import proxies
from tameflare.control.store.decision_tokens import BurntNonce, burn
from tameflare.control.store.engine import Database, DatabaseUnavailable, touch
from tameflare.control.store.revisions import SchemaMismatch
from tameflare.control.store.traffic import tables_of
from tameflare.core.errors import InvalidValue
from tameflare.core.secret import Secret
from tameflare.settings import Settings

CANARY = "canary-sesame-0123456789"


@pytest.fixture
def pair(on_postgresql: Place) -> tuple[Database, Database]:
    """What two servers have open."""
    first = on_postgresql.plain(busy_seconds=0.2)
    first.write_now(lambda connection: connection.execute(text("CREATE TABLE word (word TEXT UNIQUE)")).close())
    return first, on_postgresql.plain(busy_seconds=0.2)


def add(word: str) -> Callable[[Connection], int]:
    return lambda connection: connection.execute(text("INSERT INTO word VALUES (:word)"), {"word": word}).rowcount


def words(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT word FROM word ORDER BY word")).scalars())


def test_servers_write_one_after_the_other(pair: tuple[Database, Database]) -> None:
    """Each reads what is there and writes one more: two at a time would write the same."""
    pair[0].write_now(lambda connection: connection.execute(text("CREATE TABLE count (last INTEGER)")).close())

    def one_more(connection: Connection) -> None:
        last = connection.scalar(text("SELECT max(last) FROM count")) or 0
        connection.execute(text("INSERT INTO count VALUES (:last)"), {"last": last + 1})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: pair[number % 2].write_now(one_more), range(120)))
    counted = pair[0].read_now(lambda connection: list(connection.scalars(text("SELECT last FROM count"))))
    assert sorted(counted) == list(range(1, 121))


def test_the_record_of_requests_does_not_wait_for_decisions(on_postgresql: Place) -> None:
    main, traffic = on_postgresql.plain(), on_postgresql.traffic(lambda: 1.8e9).database
    begun, gate = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        begun.set()
        assert gate.wait(10)

    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(main.write_now, hold)
        assert begun.wait(10)
        assert traffic.write_now(lambda connection: connection.scalar(text("SELECT 7"))) == 7
        gate.set()
        held.result()


def test_a_commit_wakes_the_subscribers_of_other_servers(pair: tuple[Database, Database]) -> None:
    here, there = pair
    heard: list[list[str]] = []
    there.subscribe("word", lambda: heard.append(there.read_now(words)))
    settle(here, there)
    heard.clear()

    def fail(connection: Connection) -> None:
        touch(connection, "word")
        raise KeyError

    with pytest.raises(KeyError):
        here.write_now(fail)
    here.write_now(lambda connection: [add("b")(connection), touch(connection, "other")])
    here.write_now(lambda connection: [add("c")(connection), touch(connection, "word")])
    wait_for(lambda: heard, "the news")
    assert heard == [["b", "c"]]


def settle(here: Database, there: Database) -> None:
    """Until each hears the other, and nothing is under way between them any more."""
    rung: list[str] = []
    for database, name in ((here, "here"), (there, "there")):
        database.subscribe(f"end-{name}", lambda name=name: rung.append(name))
    for other, name in ((there, "here"), (here, "there")):
        wait_for(lambda name=name, other=other: name in rung or end(other, name), f"{name} listens")
        rung.clear()
        end(other, name)
        wait_for(lambda name=name: name in rung, f"{name} has heard everything")


def end(database: Database, name: str) -> None:
    database.write_now(lambda connection: touch(connection, f"end-{name}"))


def probe(database: Database) -> None:
    database.write_now(lambda connection: touch(connection, "word"))


def test_a_server_hears_its_own_commit_once(pair: tuple[Database, Database]) -> None:
    here, there = pair
    settle(here, there)
    rung: list[str] = []
    here.subscribe("word", lambda: rung.append("here"))
    probe(here)
    settle(here, there)
    assert rung == ["here"]


def test_a_lock_that_somebody_holds_is_a_clear_fault_and_reading_goes_on(
    pair: tuple[Database, Database],
) -> None:
    here, there = pair
    begun, gate = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        begun.set()
        assert gate.wait(10)

    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(there.write_now, hold)
        assert begun.wait(10)
        with pytest.raises(DatabaseUnavailable, match="locked"):
            here.write_now(add("a"))
        assert here.read_now(words) == []
        gate.set()
        held.result()
    assert here.write_now(add("a")) == 1


def test_a_connection_that_was_ended_is_replaced_without_anybody_noticing(
    pair: tuple[Database, Database], databases: Databases
) -> None:
    here, _ = pair
    here.write_now(add("a"))
    assert here.read_now(words) == ["a"]
    end_connections(databases)
    assert here.read_now(words) == ["a"]
    assert here.write_now(add("b")) == 1


def test_a_connection_that_ends_in_the_middle_fails_its_transaction_and_no_other(
    pair: tuple[Database, Database], databases: Databases
) -> None:
    here, _ = pair

    def cut(connection: Connection) -> None:
        add("half")(connection)
        end_connections(databases)
        words(connection)

    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        here.write_now(cut)
    here.write_now(add("whole"))
    assert here.read_now(words) == ["whole"]


def end_connections(databases: Databases) -> None:
    with databases.postgres.connect("postgres", user="postgres") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tameflare'"
        )


def test_a_stopped_server_is_a_clear_fault_and_nothing_acknowledged_is_lost(
    pair: tuple[Database, Database], databases: Databases
) -> None:
    here, there = pair
    heard: list[str] = []
    there.subscribe("word", lambda: heard.append("word"))
    stored: list[str] = []
    for number in range(30):
        here.write_now(add(f"w{number:02}"))
        stored.append(f"w{number:02}")
    with capture_logs() as logs:
        databases.postgres.stop("immediate")
        try:
            with pytest.raises(DatabaseUnavailable, match=r"cannot be reached|starting or stopping"):
                here.write_now(add("late"))
            with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
                here.read_now(words)
        finally:
            databases.postgres.start()
        assert here.read_now(words) == stored
        assert here.write_now(add("x")) == 1
        heard.clear()
        wait_for(lambda: heard or probe(here), "the other server listens again")
    assert {entry["event"] for entry in logs} == {"database.silent", "database.heard_again"}


def test_nobody_waits_for_ever_for_a_server_that_stands_still(
    pair: tuple[Database, Database], databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = pair
    assert databases.postgres.process is not None
    monkeypatch.setattr(here.house, "patience", 0.2)

    async def story() -> None:
        with pytest.raises(DatabaseUnavailable, match="does not answer"):
            await here.write(add("a"))
        with pytest.raises(DatabaseUnavailable, match="does not answer"):
            await here.read(words)

    halted = list(processes.processes(databases.postgres.process.pid))
    try:
        for process in halted:
            os.kill(process, signal.SIGSTOP)
        asyncio.run(story())
    finally:
        for process in halted:
            os.kill(process, signal.SIGCONT)
    here.write_now(add("b"))
    assert here.read_now(words) == ["a", "b"]


def test_a_month_that_is_dropped_while_somebody_looks_is_looked_for_no_more(on_postgresql: Place) -> None:
    store = on_postgresql.traffic(lambda: 1.8e9)
    looks: list[int] = []

    def look(connection: Connection) -> int:
        looks.append(1)
        if len(looks) == 1:
            tables_of(connection).execute("SELECT 1 FROM traffic_202001")
        return 7

    assert store.database.read_now(look) == 7


def test_too_many_connections_are_a_clear_fault(on_postgresql: Place, databases: Databases) -> None:
    assert on_postgresql.url is not None
    name = on_postgresql.url.reveal().split("/")[3].partition("?")[0]
    with databases.postgres.connect("postgres", user="postgres") as connection:
        connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        with pytest.raises(DatabaseUnavailable, match="takes no more connections"):
            on_postgresql.plain()
        connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")


def test_a_question_that_takes_too_long_is_ended(pair: tuple[Database, Database]) -> None:
    def dream(connection: Connection) -> None:
        connection.execute(text("SET LOCAL statement_timeout = 20"))
        connection.execute(text("SELECT pg_sleep(20)"))

    with pytest.raises(DatabaseUnavailable, match="took too long"):
        pair[0].read_now(dream)
    with pytest.raises(DatabaseUnavailable, match="took too long"):
        pair[0].write_now(dream)
    assert pair[0].write_now(add("a")) == 1


def test_a_reader_sees_one_moment(pair: tuple[Database, Database]) -> None:
    here, there = pair

    def look_twice(connection: Connection) -> tuple[list[str], list[str]]:
        before = words(connection)
        there.write_now(add("between"))
        return before, words(connection)

    assert here.read_now(look_twice) == ([], [])


@pytest.mark.parametrize("value", ["a\0b", "\0"])
def test_text_that_postgresql_does_not_store_is_the_callers_fault(pair: tuple[Database, Database], value: str) -> None:
    with pytest.raises(InvalidValue, match="cannot be stored"):
        pair[0].write_now(add(value))
    find = text("SELECT 1 FROM word WHERE word = :word")
    with pytest.raises(InvalidValue, match="cannot be stored"):
        pair[0].read_now(lambda connection: connection.execute(find, {"word": value}))


WRONG_URLS = [
    pytest.param(f"postgresql://me:{CANARY}@127.0.0.1:1/db", "127.0.0.1:1/db", id="nobody there"),
    pytest.param(f"postgresql://me:x@{CANARY}/y@127.0.0.1/db", "cannot be read", id="not written as %XX"),
    pytest.param(f"postgresql://me:%{CANARY}@127.0.0.1/db", "cannot be read", id="a stray per cent"),
    pytest.param(f"postgresql://me@127.0.0.1:{CANARY}/db", "cannot be re", id="in place of the port"),
    pytest.param(f"postgresql://me:{CANARY}@127.0.0.1:1/db?sslmode=verify-full", "cannot be reached", id="TLS"),
]


@pytest.mark.parametrize(("url", "said"), WRONG_URLS)
def test_no_fault_tells_the_password(url: str, said: str) -> None:
    with capture_logs() as logs, pytest.raises(DatabaseUnavailable, match=said) as caught:
        Database.connect(Secret(url), "main")
    chain: list[BaseException] = [caught.value]
    while (before := chain[-1].__cause__) is not None:
        chain.append(before)
    assert CANARY not in "".join(f"{fault} {fault!r} {getattr(fault, 'help', '')}" for fault in chain)
    assert CANARY not in str(logs)


def test_the_password_stands_in_no_statement_that_others_see(
    pair: tuple[Database, Database], databases: Databases
) -> None:
    url = f"postgresql://tameflare:{CANARY}@/postgres?host={databases.postgres.directory}"
    database = Database.connect(Secret(url), "main")
    try:
        database.read_now(lambda connection: connection.execute(text("SELECT 1")).close())
        with databases.postgres.connect("postgres", user="postgres") as connection:
            seen = connection.execute("SELECT pg_stat_activity::text FROM pg_stat_activity").fetchall()
        assert "tameflare" in str(seen)
        assert CANARY not in str(seen)
    finally:
        database.close()


def test_of_a_hundred_uses_of_one_nonce_at_two_servers_one_is_the_first(on_postgresql: Place) -> None:
    servers = on_postgresql.main(), on_postgresql.main()
    nonce = BurntNonce("digest", "act_1", "verify", 1, 2)
    with ThreadPoolExecutor(8) as threads:
        first = list(threads.map(lambda number: servers[number % 2].write_now(lambda c: burn(c, nonce)), range(100)))
    assert first.count(True) == 1


def test_each_machine_has_a_proxy_of_its_own(databases: Databases, tmp_path: Path) -> None:
    """The link token that one server keeps for its proxy is not taken from it by another server."""
    settings = {"SETTINGS_ENCRYPTION_KEY": "5c" * 32, "DATABASE_URL": databases.filled().reveal()}
    with ExitStack() as opened:
        servers = [opened.enter_context(running(directory(tmp_path, name), settings)) for name in ("one", "two")]
        tokens = [tmp_path / name / "link.token" for name in ("one", "two")]
        for _start in range(2):
            for server, token in zip(servers, tokens, strict=True):
                server.call(server.services.proxies.ensure_local(token))
        found = [
            servers[0].call(servers[0].services.proxies.authenticate(token.read_text().strip())) for token in tokens
        ]
        names = [proxy.name for proxy in found if proxy is not None]
        assert names[0] == "local"
        assert names[1].startswith("local-")
        assert len(servers[1].services.database.read_now(proxies.listed)) == 2


def directory(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def test_doctor_looks_at_the_database(databases: Databases) -> None:
    url = databases.filled()

    def look() -> list[Finding]:
        return list(machine.database(Around(Settings({"DATABASE_URL": url.reveal()}), {})))

    assert [finding.level for finding in look()] == ["ok"]
    database = Database.connect(url, "main")
    database.write_now(
        lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0001_initial'")).close()
    )
    database.close()
    with pytest.raises(SchemaMismatch, match="has schema `0001_initial`") as caught:
        look()
    assert caught.value.help == "run `tf db upgrade`"
