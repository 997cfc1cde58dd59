"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.support import doubles, postgres, product

settings.register_profile("tests", deadline=None, print_blob=True)  # how long an example takes is the machine's affair
settings.load_profile("tests")

# What was started with `nohup` or in the background ignores these, its children as well; programs under test mind them.
signal.signal(signal.SIGINT, signal.default_int_handler)
for ignored in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(ignored, signal.SIG_DFL)


@pytest.fixture(scope="session")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[doubles.Vendors]:
    """The vendors' doubles on local TLS, one set for each test process."""
    with doubles.running(tmp_path_factory.mktemp("vendors")) as running:
        yield running


@pytest.fixture(scope="session")
def governed(tmp_path_factory: pytest.TempPathFactory, vendors: doubles.Vendors) -> Iterator[product.Governed]:
    """The whole product in front of the doubles, one installation for each test process."""
    with product.installed(tmp_path_factory.mktemp("product"), vendors) as running:
        yield running


@pytest.fixture(scope="session")
def databases() -> Iterator[postgres.Databases]:
    """A PostgreSQL server, one for each test process, and as many databases as are wanted."""
    if postgres.missing():
        pytest.skip(postgres.missing())
    with postgres.databases() as made:
        yield made
