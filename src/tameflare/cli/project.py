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
_AUTHORITY: Final = "proxy_ca"


@dataclass(frozen=True)
class Project:
    """`server` and `proxy` are URLs; `folder` is None where the environment alone names the gateway. `authority` is
    PEM, empty where the system's authorities are enough to verify the proxy."""

    folder: Path | None
    server: str
    proxy: str
    gateway: str
    token: Secret
    authority: str = ""


def find_folder(start: Path | None = None) -> Path | None:
    """The nearest `.tf` from `start` (default: the working directory) upwards."""
    place = (start or Path.cwd()).resolve()
    return next((parent / FOLDER for parent in (place, *place.parents) if (parent / FOLDER).is_dir()), None)


def check_private(folder: Path) -> None:
    """Raises Untrusted unless the folder is the user's own and closed to others."""
    found = folder.stat()
    if _is_covered(folder):
        raise trust.Untrusted(
            f"this is inside `tf run --isolate`, where `{folder}` is empty", "leave out the inner `tf run`"
        )
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise trust.Untrusted(
            f"`{folder}` is not private to you", f"if you made it yourself: `chmod 700 {folder}`; else remove it"
        )


def _is_covered(folder: Path) -> bool:
    """Whether isolation has put an empty directory over it: a mount, which nobody may write to."""
    return os.path.ismount(folder) and not folder.stat().st_mode & 0o222 and not any(folder.iterdir())


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
    authority = {_AUTHORITY: data[_AUTHORITY]} if isinstance(data.get(_AUTHORITY), str) else {}
    return {field: data[field] for field in _FIELDS} | authority


def load(environment: settings.Settings, start: Path | None = None) -> Project | None:
    """The project around `start` (default: the working directory), or None where no token is known.

    GATEWAY_URL and TF_GATEWAY_TOKEN stand before what the folder says; with both no trusted folder is needed. Raises
    SettingError where the folder's token would go to another proxy than the folder's.
    """
    found = _load(environment, start)
    elsewhere = environment.is_set(settings.GATEWAY_URL) and not environment.get(settings.GATEWAY_TOKEN)
    if elsewhere and found is not None and found.folder is not None:
        _check_same_proxy(found.folder, found.proxy)
    return found


def _check_same_proxy(folder: Path, proxy: str) -> None:
    stored = (read_config(folder) or {}).get("proxy", "").rstrip("/")
    if proxy != stored:
        raise SettingError(
            f"GATEWAY_URL names another proxy than `{folder}`, whose token is for `{stored}` alone",
            "unset it, set TF_GATEWAY_TOKEN as well, or run `tf init --proxy`",
        )


def _load(environment: settings.Settings, start: Path | None = None) -> Project | None:
    """The same, for what sends no token."""
    folder = find_folder(start)
    complete = environment.is_set(settings.GATEWAY_TOKEN) and environment.is_set(settings.GATEWAY_URL)
    read = read_if_trusted if complete else read_config
    stored = (read(folder) if folder else None) or {}
    token = environment.get(settings.GATEWAY_TOKEN) or Secret(stored.get("gateway_token", ""))
    if not token:
        return None
    proxy = _proxy(environment, stored)
    server = environment.get(settings.SERVER_URL) if environment.is_set(settings.SERVER_URL) else stored.get("server")
    return Project(
        folder=folder if stored else None,
        server=server or environment.get(settings.SERVER_URL),
        proxy=proxy,
        gateway=stored.get("gateway", ""),
        token=token,
        authority=authority(environment, stored, proxy),
    )


def _proxy(environment: settings.Settings, stored: dict[str, str]) -> str:
    told = None if environment.is_set(settings.GATEWAY_URL) else stored.get("proxy")
    return (told or environment.get(settings.GATEWAY_URL)).rstrip("/")


def authority(environment: settings.Settings, stored: dict[str, str], proxy: str) -> str:
    """PEM of the authority that the proxy is verified by: of TF_PROXY_CA, else what the folder keeps for this proxy.

    Raises SettingError where the file cannot be read.
    """
    path = environment.get(settings.PROXY_CA)
    if not path:
        return stored.get(_AUTHORITY, "") if stored.get("proxy", "").rstrip("/") == proxy else ""
    return read_authority(Path(path).expanduser())


def read_authority(path: Path) -> str:
    """Raises SettingError where the file cannot be read, or holds no certificate."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        text = ""
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise SettingError(f"`{path}` is no readable PEM file with a certificate", "correct TF_PROXY_CA or --proxy-ca")
    return text


def proxy_place(environment: settings.Settings) -> tuple[str, str]:
    """Where the project's proxy is, or the one of the environment where there is no project, and its authority."""
    here = _load(environment)
    if here is not None:
        return here.proxy, here.authority
    url = environment.get(settings.GATEWAY_URL).rstrip("/")
    return url, authority(environment, {}, url)


def proxy_url(environment: settings.Settings) -> str:
    """The first of `proxy_place`."""
    return proxy_place(environment)[0]


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
    kept = dict(zip(_FIELDS, values, strict=True)) | ({_AUTHORITY: project.authority} if project.authority else {})
    text: str = yaml.safe_dump(kept, sort_keys=False)
    write_private(folder / "config.yaml", text)
    trust.remember(folder, text.encode())
    if ca_pem:
        write_private(folder / "ca.pem", ca_pem)
