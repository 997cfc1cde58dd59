"""Files that somebody's programs run later, outside: writing there is a way out that takes its time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Secret, Try, claim

_SHELLS: Final = (".profile", ".bashrc", ".bash_profile", ".zshrc", ".zshenv", ".config/fish/config.fish", ".inputrc")
_TOOLS: Final = (".gitconfig", ".ssh/config", ".ssh/authorized_keys", ".npmrc", ".vimrc", ".config/pip/pip.conf")
_STARTED: Final = (".config/autostart", ".config/systemd/user", ".local/share/systemd/user", ".config/environment.d")
_CRON: Final = ("/var/spool/cron/crontabs", "/var/spool/cron", "/etc/crontab", "/etc/cron.d", "/etc/profile.d")


def is_writable(path: Path) -> bool:
    """Whether it could be changed, or made where it is not there: asked of the nearest folder. Nothing is written."""
    while not os.path.lexists(path):
        path = path.parent
    return os.access(path, os.W_OK)


def _report(paths: Iterable[Path]) -> Iterator[Try]:
    for path in paths:
        able = is_writable(path)
        yield claim(str(path), able, "it can be written" if able else "it cannot be written")


def shells(_facts: Facts) -> Iterator[Try]:
    return _report(Path.home() / name for name in (*_SHELLS, *_TOOLS))


def hooks(_facts: Facts) -> Iterator[Try]:
    """Of the project that the program works on, which is what it is there for."""
    here = Path.cwd()
    top = next((folder for folder in (here, *here.parents) if os.access(folder / ".git", os.F_OK)), here)
    return _report([top / ".git" / "hooks", top / "Makefile", top / ".vscode", top / ".envrc"])


def schedules(_facts: Facts) -> Iterator[Try]:
    return _report([*(Path(name) for name in _CRON), *(Path.home() / name for name in _STARTED)])


def own_code(_facts: Facts) -> Iterator[Try]:
    """What runs as `tf` the next time."""
    return _report([Path(__file__).resolve().parents[2] / "cli", Path(sys.prefix)])


def programs(_facts: Facts) -> Iterator[Try]:
    """The folders in which a shell looks for commands."""
    folders = {Path(name) for name in os.environ.get("PATH", "").split(os.pathsep) if name.startswith("/")}
    return _report(sorted(folder for folder in folders if os.access(folder, os.F_OK)))


def own_folders(facts: Facts) -> Iterator[Try]:
    """Where the next run reads which proxy to use, and the product its keys: another file there would be believed."""
    folders = [secret for secret in facts.secrets if Path(secret.path).is_dir() or _is_folder(secret)]
    if not folders:
        yield Try("folders", Came.ABSENT, "none of them is there")
    for secret in folders:
        same = _identity(secret.path) == (secret.device, secret.inode)
        able = same and os.access(secret.path, os.W_OK)
        yield claim(secret.path, able, "" if same else "something else is there")


def _is_folder(secret: Secret) -> bool:
    return not secret.digest


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - the number is asked for, not the path
    except OSError:
        return None
    return found.st_dev, found.st_ino
