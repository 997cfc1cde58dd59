"""Every row of every table, forward and backward."""

from __future__ import annotations

import re

import pytest
from tests.connectors.asking import connector, named, sent

from tameflare.connectors import backward
from tameflare.connectors.routes import Route
from tameflare.connectors.table import TableConnector, vendor_routes
from tameflare.core.access import parse_pattern
from tameflare.core.action import Action, Effect

VENDORS = ("github", "openai", "anthropic", "stripe", "slack")
ROWS = [(vendor, row) for vendor in VENDORS for row in vendor_routes(vendor).rows]


def _parameters(row: Route) -> dict[str, object]:
    """A value for each name in the path, and for the field that tells the row from its siblings."""
    filled: dict[str, object] = {}
    for name, kind in re.findall(r"\{(\w+)(:int|:any|\+)?\}", row.path):
        filled[name] = {":int": 7, ":any": "a/b c", "+": "d/e.txt"}.get(kind, f"some-{name}")
    if row.when is not None and row.when.present is not False:
        filled[row.when.field] = row.when.equals or f"{row.when.starts}x"
    return filled


@pytest.mark.parametrize(("vendor", "row"), ROWS, ids=lambda value: getattr(value, "path", value))
def test_a_row_gives_itself_forward_and_backward(vendor: str, row: Route) -> None:
    subject = connector(vendor)
    assert isinstance(subject, TableConnector)
    parameters = _parameters(row)
    host, prefix = subject.address(row)
    (action,) = named(subject, sent(backward.build(row, parameters, host, prefix)))
    assert (action.type, action.parameters) == (row.type, parameters)
    assert (action.risk, action.effect) == (row.risk, row.effect)


@pytest.mark.parametrize(("vendor", "row"), ROWS, ids=lambda value: getattr(value, "path", value))
def test_every_name_can_be_built(vendor: str, row: Route) -> None:
    subject = connector(vendor)
    built = subject.build(Action(row.type, {}, _parameters(row)))
    (action,) = named(subject, sent(built))
    assert action.type == row.type
    places = {name: value for name, value in _parameters(row).items() if f"{{{name}" in row.path}
    assert {name: action.resource.get(name) for name in places} == places


@pytest.mark.parametrize("vendor", VENDORS)
def test_names_are_three_plain_segments_of_the_vendor(vendor: str) -> None:
    for row in vendor_routes(vendor).rows:
        assert re.fullmatch(rf"{vendor}\.[a-z_]+\.[a-z_]+", row.type), row.type
        assert parse_pattern(row.type).matches(row.type)


@pytest.mark.parametrize("vendor", VENDORS)
def test_one_name_has_one_effect(vendor: str) -> None:
    effects: dict[str, Effect] = {}
    for row in vendor_routes(vendor).rows:
        assert effects.setdefault(row.type, row.effect) is row.effect, row.type


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_reads_are_plain_gets(vendor: str) -> None:
    for row in vendor_routes(vendor).rows:
        if row.method == "GET" and row.when is None:
            assert row.effect is Effect.READ, row.type


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_name_is_a_download_on_all_its_routes_or_on_none(vendor: str) -> None:
    routes = vendor_routes(vendor)
    assert routes.downloads == {row.type for row in routes.rows if row.download}
    assert not [row.path for row in routes.rows if row.type in routes.downloads and not row.download]


def test_what_vendors_give_as_files_is_marked() -> None:
    marked = {name for vendor in VENDORS for name in vendor_routes(vendor).downloads}
    assert marked >= {"github.release.get_asset", "github.repo.download", "openai.file.download"}
    assert not [name for name in marked if name.endswith(".list")]
