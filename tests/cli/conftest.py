from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cli.doubles import FakeProxy
from tests.cli.installation import Person, installed
from tests.support.doubles import Vendors

from tameflare.cli import main


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has set nothing up: an empty home, an empty working directory, no setting in the environment."""
    for name in list(os.environ):
        if name.startswith("TF_") or name.lower().endswith("_proxy") or name == "GATEWAY_URL":
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    work = folder / "my-agent"
    work.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
    monkeypatch.chdir(work)
    return folder


@pytest.fixture
def tf(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command line as `tf` would; answers exit code, stdout, stderr."""

    def call(*arguments: str) -> Ended:
        capfd.readouterr()
        code = main.run(list(arguments))
        return Ended(code, *capfd.readouterr())

    return call


@pytest.fixture
def tf_process() -> Callable[..., Ended]:
    """The same in a process of its own, which signals need."""

    def call(*arguments: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "tameflare", *arguments], capture_output=True, text=True, timeout=30, check=False
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def proxy() -> Iterator[FakeProxy]:
    with FakeProxy() as running:
        yield running


@pytest.fixture(scope="session")
def owner(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Iterator[Person]:
    """The owner of a running product, in a project with the connector `openai`; tests leave it as they found it."""
    with installed(tmp_path_factory.mktemp("cli"), vendors) as somebody:
        somebody.done("init")
        options = ("--secret-stdin", "--preset", "allow-all")
        somebody.done("connector", "add", "openai", *options, text=vendors.keys.openai)
        yield somebody
