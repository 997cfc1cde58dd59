"""Programs that must be built before they can be run: once for each test process, removed when it ends."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

BUILT: Final = Path(tempfile.gettempdir(), f"tameflare-matrix-{os.getuid()}-{os.getpid()}")


@cache
def missing(compiler: str, *arguments: str) -> str:
    """Build with a compiler, as `arguments` say; why that cannot be done here, if so."""
    found = shutil.which(compiler)
    if found is None:
        return f"there is no {compiler}"
    BUILT.mkdir(mode=0o700, exist_ok=True)
    atexit.register(shutil.rmtree, BUILT, ignore_errors=True)
    environment = {"PATH": os.environ["PATH"], "GO111MODULE": "off", "GOCACHE": str(BUILT / "cache")}
    subprocess.run([found, *arguments], env=environment, check=True, capture_output=True)
    return ""
