"""Which `.tf` folders were set up by this user on this machine: path and digest of each in `trusted.json` (0600).

Any other folder may have come with somebody's repository, archive or share, and could lead traffic elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from tameflare.cli import loginstore
from tameflare.cli.files import private_folder, write_private
from tameflare.core.errors import SettingError, TameFlareError


class Untrusted(SettingError):
    """A `.tf` folder that this user has not set up here, or that has changed since."""

    code = "untrusted_folder"


def path() -> Path:
    return loginstore.path().with_name("trusted.json")


def check(folder: Path, config: bytes) -> None:
    """Raises Untrusted unless this folder, with this content of its `config.yaml`, was trusted before."""
    known = _read().get(_key(folder))
    advice = "look at its config.yaml, then run `tf trust`, or `tf init` to set it up anew"
    if known is None:
        raise Untrusted(f"`{folder}` was not set up by you on this machine", advice)
    if known != _digest(config):
        raise Untrusted(f"`{folder}` has changed since you trusted it", advice)


def remember(folder: Path, config: bytes) -> None:
    """From now on the folder is trusted, as it is. Raises TameFlareError where that cannot be kept."""
    _write(_read() | {_key(folder): _digest(config)})


def forget(folder: Path) -> bool:
    """Whether the folder was trusted until now."""
    known = _read()
    found = known.pop(_key(folder), None) is not None
    if found:
        _write(known)
    return found


def folders() -> list[Path]:
    """All folders that are trusted. Raises TameFlareError where the list cannot be read."""
    return [Path(name) for name in _read()]


def _read() -> dict[str, str]:
    """Digest by path. Raises TameFlareError for a file that is not the user's own, or that cannot be read."""
    place = path()
    try:
        found = place.stat()
        data = json.loads(place.read_text(encoding="utf-8"))
        known = {str(name): str(digest) for name, digest in data["folders"].items()}
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise TameFlareError(f"cannot read `{place}`: {fault.strerror}", "check its owner and mode") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TameFlareError(f"`{place}` is not a list of trusted folders", "remove it, then run `tf trust`") from None
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise TameFlareError(f"`{place}` may be written by others", f"run `chmod 600 {place}`, or remove it")
    return known


def _write(known: dict[str, str]) -> None:
    private_folder(path().parent)
    write_private(path(), json.dumps({"folders": known}, indent=1) + "\n")


def _key(folder: Path) -> str:
    return str(folder.resolve())


def _digest(config: bytes) -> str:
    return hashlib.sha256(config).hexdigest()
