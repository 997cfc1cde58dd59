"""Clients in the standard libraries of other languages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any, Final

from tests.matrix import building
from tests.matrix.clients import PROGRAMS, Client, Verdict

GO_PROGRAM: Final = building.BUILT / "go"


def client(name: str, language: str, *command: str, **options: Any) -> Client:
    """A client whose first word is looked for on the path."""
    return Client(name, language, command, **{"missing": there(command[0]), **options})


def there(program: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(program) else f"there is no {program}"


def go_missing() -> str:
    return building.missing("go", "build", "-o", str(GO_PROGRAM), str(PROGRAMS / "go" / "main.go"))


CLIENTS: Final = (
    client("Go net/http", "Go", str(GO_PROGRAM), missing=go_missing),
    client(
        "Ruby Net::HTTP",
        "Ruby",
        "ruby",
        str(PROGRAMS / "ruby" / "net_http.rb"),
        remark="what `value` raises; the body of the answer says more.",
    ),
    client(
        "PHP curl",
        "PHP",
        "php",
        str(PROGRAMS / "php" / "curl.php"),
        verdict=Verdict.SHIM,
        remark="`tf run` gives PHP one more directory of settings (`PHP_INI_SCAN_DIR`), which names the certificates. "
        "The text is an exception of the program's own, of status and body.",
    ),
)
