"""Where `tf login` keeps its personal token: `login.json` (0600) in the user's configuration directory."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tameflare.cli.files import private_folder, write_private
from tameflare.core.errors import SettingError


@dataclass(frozen=True)
class Login:
    """A personal token and the one server it is sent to."""

    server: str
    token: str
    email: str = ""
    scopes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Login(server={self.server!r}, email={self.email!r})"


def path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "tameflare" / "login.json"


def read() -> Login | None:
    """The stored log-in, or None. Raises SettingError where the file cannot be used."""
    place = path()
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        return Login(data["server"], data["token"], data.get("email", ""), tuple(data.get("scopes", ())))
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise SettingError(f"cannot read `{place}`: {fault.strerror}", "check its owner and mode") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingError(f"`{place}` is not a stored log-in", "remove it and run `tf login`") from None


def write(login: Login) -> Path:
    place = path()
    private_folder(place.parent)
    write_private(place, json.dumps(asdict(login)) + "\n")
    return place
