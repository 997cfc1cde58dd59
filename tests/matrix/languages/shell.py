"""Programs of the command line."""

from __future__ import annotations

import shutil
from typing import Any, Final

from tests.matrix.clients import ALLOWED, DENIED, HELD, PROGRAMS, Client, Verdict

LANGUAGE: Final = "Command line"
REST: Final = (ALLOWED, DENIED, HELD)


def client(name: str, script: str = "", **options: Any) -> Client:
    """A client whose script is called after it."""
    program = script or name

    def missing() -> str:
        return "" if shutil.which(program) else f"there is no {program}"

    return Client(name, LANGUAGE, ("bash", str(PROGRAMS / "shell" / f"{program}.sh")), missing=missing, **options)


CLIENTS: Final = (
    client("curl"),
    client("wget", verdict=Verdict.SHIM),
    client("gh", scenarios=REST),
    client("git", gateway="git", scenarios=(ALLOWED, DENIED), shows="remote: action: {action}"),
    client("git push", "git", gateway="pushing", scenarios=(ALLOWED, HELD)),
)
