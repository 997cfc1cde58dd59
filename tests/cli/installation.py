"""A running `tf up` and people who work with it by the command line alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.doubles import Vendors

from tameflare.demo.product import Product, tf, wait_until

PASSWORD = "correct-horse-battery"
_SECONDS = 30


@dataclass(frozen=True)
class Person:
    """Somebody with a home directory and a project below it."""

    product: Product
    home: Path

    @property
    def project(self) -> Path:
        return self.home / "my-agent"

    @property
    def environment(self) -> dict[str, str]:
        return {**self.product.environment(), "HOME": str(self.home)}

    def tf(self, *arguments: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*tf(), *arguments],
            input=text,
            env={**self.environment, **more},
            cwd=self.project,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )

    def done(self, *arguments: str, text: str = "") -> str:
        """A command that must succeed; its output."""
        ended = self.tf(*arguments, text=text)
        assert ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
        return ended.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.done(*arguments, "--json"))

    def start(self, *arguments: str, stderr: int | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*tf(), *arguments],
            env=self.environment,
            cwd=self.project,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


def person(product: Product, home: Path) -> Person:
    found = Person(product, home)
    found.project.mkdir(parents=True)
    return found


@contextmanager
def installed(directory: Path, vendors: Vendors) -> Iterator[Person]:
    """`tf up` in front of the doubles, and its owner, registered by `tf login`."""
    settings = {"TF_REGISTRATION": "open"}
    with Product(directory, vendors.server.pins, vendors.certificates.authority, settings=settings) as product:
        code = directory / "data" / "server" / "setup-code"
        wait_until(code.exists, "the set-up code")
        owner = person(product, directory / "owner")
        options = ("--name", "Ada", "--email", "ada@example.com", "--password-stdin")
        owner.done("login", "--setup-code", code.read_text().strip(), *options, text=PASSWORD)
        yield owner
