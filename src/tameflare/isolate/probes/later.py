"""Files that somebody's programs run later, outside: writing there is a way out that takes its time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Secret, Try, claim

_SHELLS: Final = (".profile", ".bashrc", ".bash_profile", ".zshrc", ".zshenv", ".config/fish/config.fish", ".inputrc")
_TOOLS: Final = (".gitconfig", ".ssh/config", ".ssh/authorized_keys", ".npmrc", ".vimrc", ".config/pip/pip.conf")
_STARTED: Final = (".config/autostart", ".config/systemd/user", ".local/share/systemd/user", ".config/environment.d")
_CARRIED: Final = ("Dropbox", "OneDrive", "Nextcloud", "ownCloud", "Sync", "Google Drive", "pCloudDrive", "MEGA", "Box")
_NETWORK_KINDS: Final = (
    "nfs", "cifs", "smb", "9p", "virtiofs", "ceph", "afs", "gluster", "davfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs"
)  # fmt: skip
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


def own_code(facts: Facts) -> Iterator[Try]:
    """What runs as `tf` the next time, outside: whatever is put there is TameFlare."""
    return _report(Path(name) for name in facts.code)


def own_python(facts: Facts) -> Iterator[Try]:
    """A Python that lies in the user's home (pyenv, uv, conda) can be changed like any other file there."""
    return _report(Path(name) for name in facts.python)


def programs(_facts: Facts) -> Iterator[Try]:
    """The folders in which a shell looks for commands."""
    folders = {Path(name) for name in os.environ.get("PATH", "").split(os.pathsep) if name.startswith("/")}
    return _report(sorted(folder for folder in folders if os.access(folder, os.F_OK)))


def shared_folders(_facts: Facts) -> Iterator[Try]:
    """Folders whose content others see: of network file systems, and of programs that carry files to other machines."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    network = [Path(words[1]) for words in mounts if words[2].startswith(_NETWORK_KINDS)]
    carried = [Path.home() / name for name in _CARRIED if os.access(Path.home() / name, os.F_OK)]
    if not network and not carried:
        yield Try("folders", Came.ABSENT, "none of those known by kind or name is here")
    yield from _report([*network, *carried])


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
