"""The manual page: complete, in order for its readers, and shipped."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest
from tests.cli.conftest import Ended
from tests.cli.tree import EVERY, options

from tameflare.cli.manpage import text
from tameflare.settings import ALL

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "man" / "tf.1"


def rendered() -> str:
    """What a reader sees, as plain text."""
    assert which("groff"), "groff is in Debian's package groff-base"
    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-P-cbou", "-rLL=200n"], input=text(), capture_output=True, text=True, check=True
    )
    return " ".join(shown.stdout.split())


def test_the_command_prints_the_page_that_is_shipped(tf: Callable[..., Ended]) -> None:
    assert tf("man") == (0, PAGE.read_text(encoding="utf-8"), "")
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["shared-data"] == {"docs/man/tf.1": "share/man/man1/tf.1"}


@pytest.mark.skipif(not which("groff"), reason="groff is not installed")
def test_a_reader_finds_every_command_option_and_setting() -> None:
    page = rendered()
    for path, command in EVERY.items():
        assert " ".join(("tf", *path)) in page
        assert not [option for option in options(command) - {"--help", "-h", "--version"} if option not in page], path
    assert not [setting.name for setting in ALL if setting.name not in page]
    assert "EXIT STATUS 0 done 1 refused or failed" in page
    assert "tf permissions set github 'github.pr.*' allow" in page


@pytest.mark.skipif(not which("man"), reason="man is not installed")
def test_man_has_nothing_to_complain_about() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(PAGE)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not which("mandoc"), reason="mandoc is not installed")
def test_mandoc_has_no_warning() -> None:
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(PAGE)], capture_output=True, text=True)
    told = [
        line for line in done.stdout.splitlines() if "missing date" not in line
    ]  # a date would change with each build
    assert told == []
