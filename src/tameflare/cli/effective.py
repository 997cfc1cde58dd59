"""The settings as they are in effect here, and where each came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tameflare import settings
from tameflare.cli import loginstore, project
from tameflare.cli.masked import masked
from tameflare.core.errors import SettingError, TameFlareError
from tameflare.core.secret import Secret
from tameflare.settings import Setting, Settings

DEFAULT = "default"
_MASKED = "***"
_KEPT = "kept there"


@dataclass(frozen=True)
class Row:
    """One setting; `value` as text, secrets masked; `wrong` where it cannot be used."""

    name: str
    value: str
    source: str
    help: str
    wrong: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def rows(environment: Settings) -> list[Row]:
    """Every setting, in the order of the reference."""
    elsewhere = _elsewhere(environment)
    return [_row(environment, setting, elsewhere) for setting in settings.ALL]


def _row(environment: Settings, setting: Setting[Any], elsewhere: dict[str, tuple[str, str]]) -> Row:
    if environment.is_set(setting):
        source = "environment"
    elif setting.name in elsewhere:
        value, source = elsewhere[setting.name]
        return Row(setting.name, masked(value), source, setting.sentence)
    else:
        follows = setting.follows
        moved = follows is not None and environment.is_set(follows)
        source = follows.name if moved and follows else DEFAULT
    try:
        return Row(setting.name, masked(shown(environment.get(setting))), source, setting.sentence)
    except SettingError as fault:
        return Row(setting.name, masked(f"wrong: {fault}"), source, setting.sentence, wrong=True)


def shown(value: object) -> str:
    """A value as people see it: secrets are masked, nothing is nothing, times and counts without an idle `.0`."""
    if isinstance(value, Secret):
        return _MASKED
    if value is None or value in ({}, (), []):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return ", ".join(f"{host}:{port} at {address}:{at}" for (host, port), (address, at) in value.items())
    return str(value)


def _elsewhere(environment: Settings) -> dict[str, tuple[str, str]]:
    """What the project's folder and the log-in say: value and source by the setting's name."""
    found: dict[str, tuple[str, str]] = {}
    login = _login()
    if login:
        place = str(loginstore.path())
        found[settings.TOKEN.name] = (_MASKED, place)
        found[settings.SERVER_URL.name] = (login.server, place)
    folder = project.find_folder()
    stored = _stored(folder) if folder else None
    if stored:
        place = f"{folder}/config.yaml"
        found[settings.SERVER_URL.name] = (stored["server"], place)
        found[settings.GATEWAY_URL.name] = (stored["proxy"], place)
        found[settings.GATEWAY_TOKEN.name] = (_MASKED, place)
        if _keeps_authority(environment, stored):
            found[settings.PROXY_CA.name] = (_KEPT, place)
    return found


def _keeps_authority(environment: Settings, stored: dict[str, str]) -> bool:
    """Whether the proxy in use is verified by what the project's folder keeps: the certificates, not a path to them."""
    if environment.is_set(settings.PROXY_CA):
        return False
    proxy = environment.get(settings.GATEWAY_URL) if environment.is_set(settings.GATEWAY_URL) else stored["proxy"]
    return bool(project.authority(environment, stored, proxy.rstrip("/")))


def _login() -> loginstore.Login | None:
    try:
        return loginstore.read()
    except TameFlareError:
        return None  # `tf doctor` says what is wrong with it


def _stored(folder: Any) -> dict[str, str] | None:
    try:
        return project.read_if_trusted(folder)
    except TameFlareError:
        return None
