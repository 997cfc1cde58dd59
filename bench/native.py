"""The measuring tools in C: built when their sources are newer than the programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tameflare.core.errors import TameFlareError

SOURCES: Final = Path(__file__).with_name("native")
BUILD: Final = Path(__file__).with_name("build")
PROGRAMS: Final = {
    "load": ("load", "client", "events", "message", "plan", "samples", "stream"),
    "upstream": ("upstream", "answers", "listener", "message", "stream"),
    "relay": ("relay", "listener", "stream"),
}
FLAGS: Final = ("-O2", "-std=gnu11", "-Wall", "-Wextra")
COMPILE_SECONDS: Final = 120


def build(directory: Path = BUILD, *flags: str) -> dict[str, Path]:
    """Their paths by name. Raises TameFlareError where they cannot be compiled."""
    directory.mkdir(exist_ok=True)
    newest = max(path.stat().st_mtime for path in SOURCES.iterdir())
    programs = {name: directory / name for name in PROGRAMS}
    for name, program in programs.items():
        if not program.exists() or program.stat().st_mtime < newest:
            _compile(program, PROGRAMS[name], flags)
    return programs


def _compile(program: Path, sources: tuple[str, ...], flags: tuple[str, ...]) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise TameFlareError("there is no C compiler", "run `make bench`, which installs gcc, or install it yourself")
    files = [str(SOURCES / f"{source}.c") for source in sources]
    command = [compiler, *FLAGS, *flags, "-o", str(program), *files, "-lssl", "-lcrypto"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)
    if done.returncode:
        raise TameFlareError(f"`{program.name}` does not compile", done.stderr[:2000] or "is libssl-dev installed?")
