"""The page is made of the rows, and the rows are of clients that exist."""

from __future__ import annotations

from tests.matrix import clients, page, results


def test_the_page_is_fresh() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.text(), "python -m tests.matrix --page"


def test_every_client_has_a_row_and_every_row_a_client() -> None:
    for file in results.FOLDER.glob("*.json"):
        assert list(results.read(file.stem)) == [client.name for client in clients.of(file.stem)]
    assert set(clients.modules()) == {path.stem for path in results.FOLDER.glob("*.json")}


def test_no_two_clients_have_one_name() -> None:
    names = [client.name for client in clients.everything()]
    assert len(names) == len(set(names))
