"""Every file of `tests/golden/*.policytest`, and those of the packs: what is expected there comes of the policies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tameflare.cli.policy_files import text_of
from tameflare.cli.trial_files import parse_trials
from tameflare.cli.trial_runs import run_file
from tameflare.core.policy import packs

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.policytest"))
PACKS = sorted(packs.FOLDER.glob("*.policytest"))


@pytest.mark.parametrize("file", [*GOLDEN, *PACKS], ids=lambda file: file.stem)
def test_trials(file: Path) -> None:
    results = run_file(parse_trials(file.read_text("utf-8"), str(file), text_of))
    assert results
    assert {f"line {each.line}: {each.problem}\n{each.got}" for each in results if each.problem} == set()


def test_there_are_files() -> None:
    assert len(GOLDEN) >= 9


@pytest.mark.parametrize("name", packs.names())
def test_a_pack_is_tried_where_it_acts_and_where_it_does_not(name: str) -> None:
    file = parse_trials(packs.tests(name), str(packs.FOLDER / name), text_of)
    expected = {trial.expected.split("\n")[0] for trial in file.trials}
    assert len(file.trials) >= 8
    assert "nothing" in expected
    assert "deny" in expected
