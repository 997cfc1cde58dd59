"""The page `docs/howto/first-policy.md`, done as it says: what its commands print is what stands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Ended
from tests.cli.installation import Person
from tests.support.doubles import Vendors

Tf = Callable[..., Ended]
PAGE = (Path(__file__).parents[2] / "docs/howto/first-policy.md").read_text("utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
POLICY, CHANGE = (text for kind, text in BLOCKS if kind == "yaml")
(TRIALS,) = (text for kind, text in BLOCKS if kind == "policytest")


@pytest.fixture
def folder(owner: Person, vendors: Vendors, tf: Tf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This process stands where the owner stands, before the first step of the page."""
    for name, value in owner.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.chdir(owner.project)
    owner.done("connector", "add", "github", "--preset", "allow-all", "--secret-stdin", text=vendors.keys.github)
    place = owner.project / "policies"
    place.mkdir()
    yield place
    for file in place.iterdir():
        file.unlink()
    place.rmdir()
    assert tf("policy", "delete", "repositories", "--yes").code == 0
    assert tf("connector", "remove", "github", "--yes").code == 0


def told(block: str, owner: Person, tf: Tf) -> str:
    """What the commands of a block print: `tf run` in a process of its own."""
    printed = ""
    for line in block.splitlines():
        words = shlex.split(line)[1:]
        if words[0] == "run":
            printed += owner.tf(*words).stdout
        else:
            ended = tf(*words)
            printed += ended.out + ended.err
    return printed


def assert_fits(printed: str, expected: str) -> None:
    """The same but for what `…` stands for, and for spaces at the ends of lines."""
    pieces = [re.escape(piece) for piece in expected.strip().split("…")]
    lines = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    assert re.fullmatch(".*".join(pieces), lines), lines


def test_the_page_does_what_it_says(folder: Path, owner: Person, tf: Tf) -> None:
    policy, trials = folder / "repositories.yaml", folder / "repositories.policytest"
    steps = iter(BLOCKS)
    for kind, text in steps:
        if kind == "yaml":
            policy.write_text(POLICY if text == POLICY else changed(policy.read_text()))
            if text == CHANGE:
                trials.write_text(TRIALS.replace("deny\nreason", "requires_approval\nreason"))
        elif kind == "policytest":
            trials.write_text(text)
        elif kind == "sh":
            _, expected = next(steps)
            assert_fits(told(text, owner, tf), expected)
            if "did you mean" in expected:
                policy.write_text(policy.read_text().replace("equal,", "equals,").replace("decison", "decision"))


def changed(policy: str) -> str:
    """With the change that the page tells of."""
    found = policy.replace("    decision: deny\n", CHANGE, 1)
    assert found != policy
    return found
