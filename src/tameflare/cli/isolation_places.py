"""What an isolated command must not see, must not change, and must still see, of this user's files."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tameflare.cli import project, trust
from tameflare.cli.files import private_folder
from tameflare.cli.stores import stores as own_stores
from tameflare.cli.wishes import Wishes
from tameflare.core.errors import TameFlareError
from tameflare.isolate.obstacles import CannotIsolate
from tameflare.isolate.sockets import path_sockets
from tameflare.link.local import SOCKET_NAME
from tameflare.settings import PROXY_TLS_KEY, Settings

_SOCKET_FOLDERS: Final = (".docker/run", ".docker/desktop", ".colima", ".lima", ".rd", ".orbstack")
"""Where container engines of a user keep their sockets, also those that appear later."""
_STATE: Final = (Path("/var/lib"), Path("/var/opt"), Path("/srv"))
"""Where services keep sockets beside /run."""
_SYSTEM: Final = ("/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/opt", "/var")
"""What root could change and the machine runs by itself: services, jobs of cron, libraries."""
_PROXY_SOCKET: Final = f"/proxy/{SOCKET_NAME}"
_LIBRARY: Final = Path(os.__file__).parent
"""The standard library of our interpreter."""
_START_FILES: Final = (
    ".profile", ".bash_profile", ".bash_login", ".bash_logout", ".bashrc", ".bash_aliases",
    ".zshenv", ".zprofile", ".zshrc", ".zlogin", ".zlogout", ".kshrc", ".cshrc", ".tcshrc", ".login",
    ".config/fish", ".config/environment.d", ".config/autostart", ".config/systemd", ".config/plasma-workspace",
    ".pam_environment", ".xprofile", ".xsession", ".xsessionrc", ".xinitrc", ".ssh", ".gitconfig", ".config/git",
)  # fmt: skip
"""What the user's next log-in, shell, ssh or git runs or obeys."""


@dataclass(frozen=True)
class Places:
    """Resolved paths, as `tameflare.isolate.plan.Plan` has them."""

    hidden: dict[str, int]
    sockets: tuple[str, ...]
    firm: tuple[str, ...]
    read_only: tuple[str, ...]
    show: tuple[str, ...]
    pinned: tuple[str, ...]


def find(folder: Path | None, wishes: Wishes) -> Places:
    """`folder` is the `.tf` in use. Raises CannotIsolate where a secret has a second name, which nothing could hide."""
    home = Path.home()
    show = [*_resolved([home, Path.cwd(), *([folder.parent] if folder else [])]), *_wished(wishes.show)]
    sockets = [name for name in path_sockets(_unique([*show, *_resolved(_STATE)])) if not _is_in(name, wishes.show)]
    stores = [place for place in _resolved(own_stores()) if _made(place)] + _data_of_proxies(sockets)
    secret = [*_existing(_project_folders(folder)), *stores]
    _refuse_hard_links(secret)
    code = [path for path in _existing(_code()) if os.geteuid() == 0 or not _is_in(path, ["/usr"])]
    starting = _existing(place / name for place in _homes() for name in _START_FILES)
    read_only = [*code, *starting, *_wished(wishes.read_only)]
    library = os.path.realpath(_LIBRARY)
    key = Settings().get(PROXY_TLS_KEY)
    secret += _existing([key] if key else [])
    hidden = [*secret, *_targets(secret), *_existing(home / name for name in _SOCKET_FOLDERS), *_wished(wishes.hide)]
    return Places(
        hidden={path: Path(path).stat().st_ino for path in hidden},
        sockets=tuple(sockets),
        firm=_unique([library, *(_existing(map(Path, _SYSTEM)) if os.geteuid() == 0 else ())]),
        read_only=_unique(read_only),
        show=_unique([*show, *_packages_of_others()]),
        pinned=_unique([*stores, *code, library]),
    )


def _homes() -> list[Path]:
    """By the environment, and where the next log-in will be."""
    try:
        return [Path.home(), Path(pwd.getpwuid(os.geteuid()).pw_dir)]
    except KeyError:
        return [Path.home()]


def _data_of_proxies(sockets: Iterable[str]) -> list[str]:
    """Data directories of the proxies that run here, which may have been started with other settings than ours."""
    found = {str(Path(name).parents[1]) for name in sockets if name.endswith(_PROXY_SOCKET)}
    return sorted(place for place in found if not _is_in(Path.home(), [place]) and not _is_in(Path.cwd(), [place]))


def _made(place: str) -> bool:
    """Whether it is there; it is made if it is not, or the command could make it and so prepare our next start."""
    with contextlib.suppress(TameFlareError):
        if not _exists(place):
            private_folder(Path(place))
    return _exists(place)


def _project_folders(used: Path | None) -> Iterator[Path]:
    """The `.tf` in use, those around the working directory, and all others that this user has set up."""
    if used is not None:
        yield used
    for parent in (Path.cwd(), *Path.cwd().parents):
        yield parent / project.FOLDER
    yield from trust.folders()


def _code() -> Iterator[Path]:
    """What runs as TameFlare the next time: this package, its interpreter, and what that imports from."""
    yield Path(__file__).parents[1]
    yield from map(Path, filter(None, [sys.executable, shutil.which("tf")]))
    if sys.prefix != sys.base_prefix:
        yield Path(sys.prefix)
    for place in map(Path, filter(None, sys.path)):
        if place != _LIBRARY and not any(_is_in(top, [str(place)]) for top in (Path.cwd(), Path.home())):
            yield place


def _targets(folders: Sequence[str]) -> Iterator[str]:
    """Where symbolic links in our own folders lead: the secret itself may be kept elsewhere."""
    for path in _walk(folders):
        if path.is_symlink() and _exists(path):
            yield str(path.resolve())


def _refuse_hard_links(folders: Sequence[str]) -> None:
    for path in _walk(folders):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if found.st_nlink > 1 and not path.is_dir():
                raise CannotIsolate(
                    f"`{path}` has a second name (hard link), which cannot be hidden", "remove the other name"
                )


def _walk(folders: Sequence[str]) -> Iterator[Path]:
    for top in folders:
        for parent, names, files in os.walk(top):
            yield from (Path(parent, name) for name in (*names, *files))


def _packages_of_others() -> list[str]:
    """Where the interpreter that our environment was made from keeps packages of its own; we import none of them."""
    return _existing([_LIBRARY / "site-packages"]) if sys.prefix != sys.base_prefix else []


def _is_in(path: str | Path, tops: Iterable[str]) -> bool:
    return any(Path(path).is_relative_to(Path(top).expanduser().resolve()) for top in tops)


def _wished(paths: Iterable[str]) -> list[str]:
    """Raises CannotIsolate for a path that is not there: a slip of the pen must not leave something open."""
    for path in paths:
        if not _exists(Path(path).expanduser()):
            raise CannotIsolate(f"there is no `{path}`", "check its spelling")
    return _resolved(Path(path).expanduser() for path in paths)


def _existing(paths: Iterable[Path]) -> list[str]:
    return [path for path in _resolved(paths) if _exists(path)]


def _exists(path: str | Path) -> bool:
    """False, too, where we may not look."""
    return os.access(path, os.F_OK)


def _resolved(paths: Iterable[Path]) -> list[str]:
    return [os.path.realpath(path) for path in paths]


def _unique(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(paths))
