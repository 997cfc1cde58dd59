"""Where a governed command runs: on the machine as it is. `isolation` has the other ground, of the same shape."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tameflare.cli import java
from tameflare.cli.child import run_child
from tameflare.cli.ordinary import Reader
from tameflare.cli.session import Session
from tameflare.cli.side_door import SideDoor
from tameflare.cli.stores import stores


class Ground(Protocol):
    """One run's. It must be closed. `folder` is private; what is put there before `run`, the command can read.

    `reader` is for files of the user's whose content goes there.
    """

    folder: Path
    reader: Reader
    isolated: bool

    def outer(self, environment: Mapping[str, str], keep: Collection[str]) -> Mapping[str, str]:
        """What of our own environment makes sense for the command; `keep` names variables that stay."""

    def proxy_url(self, url: str) -> str:
        """The proxy's URL as the command has to write it."""

    def prepare_java(self, environment: dict[str, str], url: str, no_proxy: Collection[str]) -> None:
        """Add what Java programs need; `url` is the proxy's as we write it."""

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], session: Session, gone: Callable[[], None]
    ) -> int:
        """Run it to its end; its exit code. `gone` is called if the proxy goes away. Raises CannotStart."""

    def close(self) -> None: ...


class Plain:
    """The command runs as any other program of this user."""

    isolated = False

    def __init__(self, used: Path | None) -> None:
        self.reader = Reader(str(place.resolve()) for place in (*stores(), *([used] if used else [])))
        self.folder = Path(tempfile.mkdtemp(prefix="tameflare-"))
        self._door: SideDoor | None = None

    def outer(self, environment: Mapping[str, str], keep: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002
        return environment

    def proxy_url(self, url: str) -> str:
        return url

    def prepare_java(self, environment: dict[str, str], url: str, no_proxy: Collection[str]) -> None:
        self._door = java.prepare(environment, url, no_proxy)

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], session: Session, gone: Callable[[], None]
    ) -> int:
        def started() -> None:
            session.watch(gone)
            if self._door is not None:
                self._door.serve()

        return run_child(command, environment, started)

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
        shutil.rmtree(self.folder, ignore_errors=True)
