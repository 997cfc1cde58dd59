"""The project folder `.tf/`: which gateway the commands below it use, and with what token."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tameflare import settings
from tameflare.cli import trust
from tameflare.cli.files import private_folder, write_private
from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret

FOLDER: Final = ".tf"
_FIELDS: Final = ("server", "proxy", "gateway", "gateway_token")


@dataclass(frozen=True)
class Project:
    """`server` and `proxy` are URLs; `folder` is None where the environment alone names the gateway."""

    folder: Path | None
    server: str
    proxy: str
    gateway: str
    token: Secret


def find_folder(start: Path | None = None) -> Path | None:
    """The nearest `.tf` from `start` (default: the working directory) upwards."""
    place = (start or Path.cwd()).resolve()
    return next((parent / FOLDER for parent in (place, *place.parents) if (parent / FOLDER).is_dir()), None)


def check_private(folder: Path) -> None:
    """Raises Untrusted unless the folder is the user's own and closed to others."""
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise trust.Untrusted(
            f"`{folder}` is not private to you", f"if you made it yourself: `chmod 700 {folder}`; else remove it"
        )


def read_config(folder: Path) -> dict[str, str] | None:
    """What `config.yaml` of that folder holds, or None where it is missing.

    Raises Untrusted where the user has not set the folder up on this machine, SettingError where it is broken.
    """
    text = _read(folder)
    if text is None:
        return None
    trust.check(folder, text)
    return _parse(folder, text)


def read_if_trusted(folder: Path) -> dict[str, str] | None:
    """The same, but None for a folder that is not trusted: for what can do without."""
    try:
        return read_config(folder)
    except trust.Untrusted:
        return None


def accept(folder: Path) -> dict[str, str]:
    """Trust the folder as it is. Raises SettingError where it is broken."""
    text = _read(folder)
    if text is None:
        raise SettingError(f"`{folder}` has no config.yaml", "run `tf init`")
    stored = _parse(folder, text)
    trust.remember(folder, text)
    return stored


def _read(folder: Path) -> bytes | None:
    path = folder / "config.yaml"
    check_private(folder)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise SettingError(f"cannot read `{path}`: {fault.strerror}", "check its owner and mode") from None


def _parse(folder: Path, text: bytes) -> dict[str, str]:
    import yaml

    path = folder / "config.yaml"
    try:
        data: Any = yaml.safe_load(text.decode())
    except (yaml.YAMLError, UnicodeDecodeError):
        raise SettingError(f"`{path}` is not YAML", "run `tf init` to write it anew") from None
    if not isinstance(data, dict) or any(not isinstance(data.get(field), str) for field in _FIELDS):
        raise SettingError(f"`{path}` lacks one of {', '.join(_FIELDS)}", "run `tf init` to write it anew")
    return {field: data[field] for field in _FIELDS}


def load(environment: settings.Settings, start: Path | None = None) -> Project | None:
    """The project around `start` (default: the working directory), or None where no token is known.

    GATEWAY_URL and TF_GATEWAY_TOKEN stand before what the folder says; with both no trusted folder is needed.
    """
    folder = find_folder(start)
    complete = environment.is_set(settings.GATEWAY_TOKEN) and environment.is_set(settings.GATEWAY_URL)
    read = read_if_trusted if complete else read_config
    stored = (read(folder) if folder else None) or {}
    token = environment.get(settings.GATEWAY_TOKEN) or Secret(stored.get("gateway_token", ""))
    if not token:
        return None
    proxy = environment.get(settings.GATEWAY_URL) if environment.is_set(settings.GATEWAY_URL) else stored.get("proxy")
    server = environment.get(settings.SERVER_URL) if environment.is_set(settings.SERVER_URL) else stored.get("server")
    return Project(
        folder=folder if stored else None,
        server=server or environment.get(settings.SERVER_URL),
        proxy=proxy or environment.get(settings.GATEWAY_URL),
        gateway=stored.get("gateway", ""),
        token=token,
    )


def proxy_url(environment: settings.Settings) -> str:
    """Where the project's proxy is, or the one of the environment where there is no project."""
    here = load(environment)
    return (here.proxy if here else environment.get(settings.GATEWAY_URL)).rstrip("/")


def require(environment: settings.Settings, start: Path | None = None) -> Project:
    """The project, or SettingError that says how to make one."""
    found = load(environment, start)
    if found is None:
        raise SettingError("no gateway is set up here", "run `tf init` in this directory, or set TF_GATEWAY_TOKEN")
    return found


def save(folder: Path, project: Project, ca_pem: str) -> None:
    """Write the folder (0700) with its own .gitignore, `config.yaml` (0600) and `ca.pem`, and trust it."""
    import yaml

    private_folder(folder)
    values = (project.server, project.proxy, project.gateway, project.token.reveal())
    write_private(folder / ".gitignore", "*\n")
    text: str = yaml.safe_dump(dict(zip(_FIELDS, values, strict=True)), sort_keys=False)
    write_private(folder / "config.yaml", text)
    trust.remember(folder, text.encode())
    if ca_pem:
        write_private(folder / "ca.pem", ca_pem)
