from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.carrying import Carrying, carrying


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrying]:
    with carrying(tmp_path_factory.mktemp("carrying")) as made:
        made.start()
        yield made


@pytest.fixture
def carried(running: Carrying) -> Carrying:
    """The same for each test, with nothing said and nothing seen."""
    running.forget()
    return running
