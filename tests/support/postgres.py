"""PostgreSQL for tests: one server per test process, on a Unix socket alone, and fresh databases.

It refuses to run as root, so that root starts it as another user. What it writes is not flushed: a test that
kills it does so in an orderly way, or does not ask what survived.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from tests.support.waiting import wait_for

from tameflare.control.store.migrate import connect_database
from tameflare.control.store.traffic import TrafficStore
from tameflare.core.secret import Secret

_PLACES: Final = Path("/usr/lib/postgresql")
_USERS: Final = ("postgres", "nobody")
_FAST: Final = (
    *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60"),
    *("-c", "autovacuum=off", "-c", "listen_addresses=", "-c", "wal_level=minimal", "-c", "max_wal_senders=0"),
)
ROLE: Final = "tameflare"


def programs() -> Path | None:
    """Where PostgreSQL's programs are; None where there are none."""
    found = shutil.which("postgres")
    places = sorted(_PLACES.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3].partition(".")[0]))
    if found is not None:
        return Path(found).parent
    return places[-1].parent if places else None


def missing() -> str:
    """Why there can be no server here; empty where there can."""
    if programs() is None:
        return "no PostgreSQL (Debian: apt-get install postgresql)"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL does not run as root, and there is no setpriv"
    return ""


@dataclass
class Postgres:
    """A server that runs. `start` may follow `stop`."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str) -> Secret:
        return Secret(f"postgresql://{ROLE}@/{database}?host={self.directory}")

    def make(self) -> None:
        """The files of a server, with a role that may make databases and is not almighty."""
        made = self._program("initdb")
        options = (
            "-D",
            str(self._data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        subprocess.run([*made, *options, "--no-instructions"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        self.start()
        with self.connect("postgres", user="postgres") as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))

    def start(self) -> None:
        command = self._program("postgres")
        options = ("-D", str(self._data), "-k", str(self.directory), *_FAST)
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen([*command, *options], stdout=log, stderr=log, cwd="/")
        wait_for(self._answers, "PostgreSQL answers")

    def stop(self, how: str = "fast") -> None:
        """`fast` ends connections and writes down everything; `immediate` is a crash."""
        if self.process is None:
            return
        stop = self._program("pg_ctl")
        subprocess.run(
            [*stop, "-D", str(self._data), "-m", how, "-w", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/"
        )
        self.process.wait()
        self.process = None

    def connect(self, database: str, user: str = ROLE) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.directory), user=user, dbname=database, autocommit=True)

    def database(self, template: str = "template1") -> str:
        """Make a database; its name."""
        name = f"test{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        with self.connect("postgres") as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, database: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory / "log").read_text()
        try:
            self.connect("postgres", user="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _program(self, name: str) -> list[str]:
        place = programs()
        assert place is not None
        return [*_as_user(), str(place / name)]


def _user() -> pwd.struct_passwd | None:
    """Whom to run as; None: as whoever runs this."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in _USERS if name in known)


def _as_user() -> Sequence[str]:
    user = _user()
    if user is None:
        return ()
    ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    return ("setpriv", *ids, "--pdeathsig=QUIT")  # it ends with the tests, however these end


@contextmanager
def server() -> Iterator[Postgres]:
    """A server in a directory of its own, whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as place:
        directory = Path(place)
        user = _user()
        if user is not None:
            os.chown(directory, user.pw_uid, user.pw_gid)
        directory.chmod(0o755)
        made = Postgres(directory)
        try:
            made.make()
            yield made
        finally:
            if made.process is not None:
                made.stop("immediate")


class Databases:
    """Fresh databases of a server, some of which come with the product's tables."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self._template = ""
        self._free: list[Secret] = []

    def empty(self) -> Secret:
        return self._free.pop() if self._free else self.postgres.url(self.postgres.database())

    def give_back(self, url: Secret) -> None:
        """Empty it for the next test: to copy and to remove the files of a new one takes longer."""
        with psycopg.connect(url.reveal(), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self._free.append(url)

    def filled(self) -> Secret:
        """One with every table, as a start on an empty one makes them."""
        if not self._template:
            self._template = self.postgres.database()
            url = self.postgres.url(self._template)
            connect_database(url).close()
            TrafficStore.connect(url).close()
        return self.postgres.url(self.postgres.database(self._template))


@contextmanager
def databases() -> Iterator[Databases]:
    """A server for as long as it is needed, and its databases."""
    with server() as postgres:
        yield Databases(postgres)
