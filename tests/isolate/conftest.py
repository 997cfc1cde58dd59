"""Isolated runs as the users that there are: an ordinary one, and root where the tests run as root."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cli.doubles import FakeProxy

from tameflare.cli.isolating import available

SOURCES = Path(__file__).resolve().parents[2] / "src"
NOBODY = 65534
SECONDS = 30.0
FAULT = available()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs namespaces is left out, with the reason, where they cannot be had."""
    for item in items:
        if {"isolated", "anybody"} & set(getattr(item, "fixturenames", ())) and FAULT is not None:
            item.add_marker(pytest.mark.skipif(True, reason=f"no isolation here: {FAULT}"))


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Isolated:
    """`tf run --isolate` as one user, with a home and a project of its own, before a proxy that only knows runs."""

    user: int
    home: Path
    proxy: FakeProxy

    @property
    def project(self) -> Path:
        return self.home / "project"

    @property
    def python(self) -> str:
        """An interpreter that this user may run."""
        return sys.executable if self.user == os.geteuid() else "/usr/bin/python3"

    def environment(self, **more: str) -> dict[str, str]:
        base = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        if self.user != os.geteuid():
            base["PYTHONPATH"] = os.pathsep.join([str(SOURCES), *_libraries()])
        return base | more

    def words(self, *arguments: str) -> list[str]:
        """The command line of `tf run` with these arguments."""
        drop = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        return [*(drop if self.user != os.geteuid() else []), self.python, "-m", "tameflare", "run", *arguments]

    def run(self, *command: str, options: Sequence[str] = (), where: Path | None = None, **env: str) -> Ended:
        done = subprocess.run(
            self.words("--isolate", *options, "--", *command),
            env=self.environment(**env),
            cwd=where or self.project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def shell(self, script: str, options: Sequence[str] = ("-q",), **env: str) -> Ended:
        return self.run("sh", "-c", script, options=options, **env)

    def give(self, *paths: Path) -> None:
        """Make them this user's."""
        if self.user != os.geteuid():
            for path in paths:
                os.chown(path, self.user, self.user, follow_symlinks=False)


def _libraries() -> list[str]:
    """Where the packages that `tf run` imports lie."""
    found = importlib.util.find_spec("click")
    assert found is not None
    assert found.origin is not None
    return [str(Path(found.origin).parents[1])]


def _can_run(user: int) -> bool:
    """Whether that user can run our code: it may lie in a place that only its owner enters."""
    if shutil.which("setpriv") is None:
        return False
    probe = Isolated(user, Path("/"), None)  # type: ignore[arg-type]
    words = [*probe.words()[:-1], "--version"]
    return subprocess.run(words, env=probe.environment(), capture_output=True, cwd="/").returncode == 0


def _users() -> list[int]:
    return [os.geteuid(), NOBODY] if os.geteuid() == 0 else [os.geteuid()]


@pytest.fixture(params=_users(), ids=lambda user: "root" if user == 0 else "ordinary", scope="module")
def isolated(request: pytest.FixtureRequest) -> Iterator[Isolated]:
    """Each user's installation in turn."""
    if request.param != os.geteuid() and not _can_run(request.param):
        pytest.skip("an ordinary user cannot read this installation, or there is no setpriv")
    with _installed(request.param) as found:
        yield found


@pytest.fixture(scope="module")
def anybody() -> Iterator[Isolated]:
    """One user's, an ordinary one's if it can be: for what is the same for all."""
    user = _users()[-1]
    with _installed(user if user == os.geteuid() or _can_run(user) else os.geteuid()) as found:
        yield found


@contextmanager
def _installed(user: int) -> Iterator[Isolated]:
    """The home lies where other users can come by."""
    with tempfile.TemporaryDirectory(prefix="tf-isolated-") as name, FakeProxy() as proxy:
        Path(name).chmod(0o755)
        found = Isolated(user, Path(name), proxy)
        found.project.mkdir()
        _set_up(found)
        yield found


def _set_up(isolated: Isolated) -> None:
    folder = isolated.project / ".tf"
    folder.mkdir(mode=0o700)
    config = folder / "config.yaml"
    fields = {
        "server": "http://127.0.0.1:1",
        "proxy": isolated.proxy.url,
        "gateway": "g",
        "gateway_token": "gwtk_canary",
    }
    config.write_text("".join(f"{name}: {value}\n" for name, value in fields.items()))
    config.chmod(0o600)
    isolated.give(isolated.home, isolated.project, folder, config)
    words = [word if word != "run" else "trust" for word in isolated.words()]
    subprocess.run(words, env=isolated.environment(), cwd=isolated.project, check=True, capture_output=True)
