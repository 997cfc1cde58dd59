"""The database as a whole: transactions, groups; and what happens when a file's disk or a neighbour misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.errors import InFailedSqlTransaction
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from tests.control.store.conftest import Place

from tameflare.control.store.engine import Conflict, Database, DatabaseUnavailable, after_commit, touch


@pytest.fixture
def database(place: Place) -> Database:
    """Of either kind."""
    return with_words(place.plain())


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "some.db", busy_seconds=0.1)
    yield with_words(opened)
    opened.close()


def with_words(database: Database) -> Database:
    database.write_now(lambda connection: connection.execute(text("CREATE TABLE word (word TEXT UNIQUE)")).close())
    return database


def add(word: str) -> object:
    return lambda connection: connection.execute(text("INSERT INTO word VALUES (:word)"), {"word": word}).rowcount


def words(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT word FROM word ORDER BY word")).scalars())


def test_a_write_is_seen_by_the_next_read(database: Database) -> None:
    async def story() -> list[str]:
        assert await database.write(add("a")) == 1
        return await database.read(words)

    assert asyncio.run(story()) == ["a"]


def test_the_files_are_private(file: Database) -> None:
    for path in file.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_function_that_fails_takes_back_only_its_own(database: Database) -> None:
    """They share one transaction: the writer is held until all of them wait."""
    gate, holding = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        holding.set()
        gate.wait(10)

    def fail(connection: Connection) -> None:
        connection.execute(text("INSERT INTO word VALUES ('half')"))
        raise KeyError("mine")

    async def story() -> list[object]:
        first = asyncio.create_task(database.write(hold))
        await asyncio.to_thread(holding.wait, 10)
        others = [asyncio.create_task(database.write(function)) for function in (add("a"), fail, add("a"), add("b"))]
        await asyncio.sleep(0)
        gate.set()
        await first
        return await asyncio.gather(*others, return_exceptions=True)

    a, failed, double, b = asyncio.run(story())
    assert (a, b) == (1, 1)
    assert isinstance(failed, KeyError)
    assert isinstance(double, Conflict)
    assert "word.word" in double.detail  # the column on SQLite, the constraint on PostgreSQL
    assert database.read_now(words) == ["a", "b"]


def test_subscribers_hear_of_what_was_committed_and_of_nothing_else(database: Database) -> None:
    heard: list[int] = []
    database.subscribe("word", lambda: heard.append(len(database.read_now(words))))

    def fail(connection: Connection) -> None:
        touch(connection, "word")
        raise KeyError

    with pytest.raises(KeyError):
        database.write_now(fail)
    database.write_now(lambda connection: [add("a")(connection), touch(connection, "word")])  # type: ignore[operator]
    database.write_now(add("b"))
    database.close()
    assert heard == [1]


def test_what_is_to_follow_a_commit_does_so_before_the_caller_hears_of_it(database: Database) -> None:
    seen: list[list[str]] = []

    def work(connection: Connection, word: str, fault: type[Exception] | None = None) -> None:
        after_commit(connection, lambda: seen.append(database.read_now(words)))
        add(word)(connection)  # type: ignore[operator]
        if fault is not None:
            raise fault

    with pytest.raises(KeyError):
        database.write_now(lambda connection: work(connection, "a", KeyError))
    assert seen == []
    database.write_now(lambda connection: work(connection, "b"))
    assert seen == [["b"]]


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        database.read_now(add("a"))


def test_a_cancelled_caller_does_not_stop_the_writer(database: Database) -> None:
    async def story() -> None:
        task = asyncio.create_task(database.write(add("a")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.write(add("b"))

    asyncio.run(story())
    assert "b" in database.read_now(words)


def test_a_lock_held_by_another_process_is_a_clear_fault_and_passes(file: Database) -> None:
    code = (
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        " print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DatabaseUnavailable, match="locked"):
            file.write_now(add("a"))
        assert file.read_now(words) == []
        other.communicate("")
    assert file.write_now(add("a")) == 1


def test_a_database_that_was_taken_away_is_a_clear_fault(file: Database) -> None:
    file.path.rename(file.path.with_name("moved.db"))
    with pytest.raises(DatabaseUnavailable, match="gone"):
        file.write_now(add("a"))
    with pytest.raises(DatabaseUnavailable, match="gone"):
        file.read_now(words)


def test_an_unwritable_place_is_a_clear_fault(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be opened"):
        Database.open(tmp_path / "missing" / "some.db")


def test_a_file_that_is_no_database_is_a_clear_fault(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    path.write_bytes(b"this is a letter to my mother, and no database" * 100)
    with pytest.raises(DatabaseUnavailable, match="not a database"):
        Database.open(path)


def test_a_full_disk_fails_every_function_of_the_transaction_and_nothing_before_it(tmp_path: Path) -> None:
    """A file size limit stands in for the full disk; it needs a process of its own."""
    code = """
import asyncio, resource, signal, sys
from pathlib import Path
from sqlalchemy import text
from tameflare.control.store.engine import Database, DatabaseUnavailable, touch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
database = Database.open(Path(sys.argv[1]))
run = lambda sql, **values: database.write_now(lambda c: c.execute(text(sql), values).close())
run("CREATE TABLE word (word TEXT UNIQUE)")
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
stored = 0
try:
    for number in range(1000):
        run("INSERT INTO word VALUES (:word)", word=f"{number}" + "x" * 5000)
        stored += 1
except DatabaseUnavailable as fault:
    print(stored, fault.code)
"""
    path = tmp_path / "some.db"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("database_unavailable\n"), done.stderr
    stored = int(done.stdout.split()[0])
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM word").fetchone() == (stored,)
    connection.close()
    assert stored > 10


def test_closing_finishes_what_was_handed_in(place: Place) -> None:
    database = with_words(place.plain())

    async def story() -> None:
        tasks = [asyncio.create_task(database.write(add(str(number)))) for number in range(50)]
        await asyncio.sleep(0)
        database.close()
        await asyncio.gather(*tasks)
        with pytest.raises(DatabaseUnavailable, match="closed"):
            await database.write(add("late"))

    asyncio.run(story())
    assert [path.name for path in place.directory.iterdir()] == (["some.db"] if place.url is None else [])
    assert len(place.plain().read_now(words)) == 50


def test_a_mistake_that_a_function_overlooks_is_its_own_alone(database: Database) -> None:
    """PostgreSQL takes nothing more after a failed statement: what the function did is taken back, with the fault."""

    def careless(connection: Connection) -> None:
        add("a")(connection)  # type: ignore[operator]
        with contextlib.suppress(DBAPIError):
            connection.execute(text("SELECT * FROM nowhere"))

    async def story() -> list[object]:
        tasks = [asyncio.create_task(database.write(function)) for function in (add("x"), careless, add("b"))]
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, fault, last = asyncio.run(story())
    assert (first, last) == (1, 1)
    expected = (["a", "b", "x"], type(None)) if database.is_file else (["b", "x"], InFailedSqlTransaction)
    assert (database.read_now(words), type(fault)) == expected


def test_a_directory_that_may_not_be_written_is_a_clear_fault(tmp_path: Path) -> None:
    """Root may write everywhere, so a process of somebody else tries; it keeps nothing but what it has opened."""
    code = """
import asyncio, os, sys, tempfile
from pathlib import Path
from sqlalchemy import text
from tameflare.control.store.engine import Database, DatabaseUnavailable
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
with tempfile.TemporaryDirectory(dir="/tmp") as directory:
    path = Path(directory) / "some.db"
    Database.open(path).close()
    path.chmod(0o400)
    os.chmod(directory, 0o500)
    try:
        Database.open(path)
    except DatabaseUnavailable as fault:
        print(fault)
    os.chmod(directory, 0o700)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "cannot be opened: Permission denied; check that the data directory exists" in done.stdout, done.stderr


def test_a_database_that_became_read_only_while_it_was_open_is_a_clear_fault(file: Database) -> None:
    file.write_now(lambda connection: connection.exec_driver_sql("PRAGMA query_only=ON").close())
    with pytest.raises(DatabaseUnavailable, match="the database is read-only"):
        file.write_now(add("a"))
