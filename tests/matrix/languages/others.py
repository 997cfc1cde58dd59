"""Clients in the standard libraries of other languages."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.matrix.clients import PROGRAMS, Client, Verdict

GO_SOURCE: Final = PROGRAMS / "go" / "main.go"
GO_PROGRAM: Final = Path(tempfile.gettempdir(), f"tameflare-matrix-{os.getpid()}", "go")


def client(name: str, language: str, *command: str, **options: Any) -> Client:
    """A client whose first word is looked for on the path."""
    return Client(name, language, command, **{"missing": there(command[0]), **options})


def there(program: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(program) else f"there is no {program}"


@cache
def built() -> str:
    """Why there is no program in Go; it is built once, and removed with everything else when the process ends."""
    go = shutil.which("go")
    if go is None:
        return "there is no go"
    atexit.register(shutil.rmtree, GO_PROGRAM.parent, ignore_errors=True)
    environment = {"PATH": os.environ["PATH"], "GO111MODULE": "off", "GOCACHE": str(GO_PROGRAM.parent / "cache")}
    command = [go, "build", "-o", str(GO_PROGRAM), str(GO_SOURCE)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return ""


CLIENTS: Final = (
    client("Go net/http", "Go", str(GO_PROGRAM), missing=built),
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
