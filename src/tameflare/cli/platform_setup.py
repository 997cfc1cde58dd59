"""`tf init --platform`: shows or writes the files of a platform, and its recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tameflare.cli import project
from tameflare.cli.files import write_private
from tameflare.cli.output import note
from tameflare.cli.platforms import recipe
from tameflare.cli.project import Project
from tameflare.core.secret import Secret
from tameflare.settings import GATEWAY_URL, Settings


def preview(platform: str, folder: Path, file: Path | None, settings: Settings) -> tuple[dict[str, Any], str]:
    """What would be written, as data and as text, for the project as it is or would be; nothing is asked or made."""
    from tameflare.cli.platform_files import changes

    stored = (project.read_if_trusted(folder) if folder.is_dir() else None) or {}
    proxy = stored.get("proxy") or settings.get(GATEWAY_URL)
    token = Secret(stored.get("gateway_token", "TOKEN"))
    planned = changes(platform, Project(folder, "", proxy, stored.get("gateway", ""), token), folder, file)
    shown = "".join(each.difference() for each in planned if each.status != "unchanged")
    files = [{"path": str(each.path), "status": each.status} for each in planned]
    return {"files": files}, f"{recipe(platform, str(folder.parent), proxy)}\n{shown}".rstrip()


def write(platform: str, here: Project, folder: Path, file: Path | None, yes: bool) -> tuple[list[dict[str, str]], str]:
    """Path, status and undoing line of each file, and the recipe, which is kept in the project's folder too.

    Raises InvalidValue where a file cannot be read, or nobody can be asked before it is changed.
    """
    from tameflare.cli.changes import make
    from tameflare.cli.platform_files import changes

    planned = changes(platform, here, folder, file)
    files = [{"path": str(each.path), "status": each.status, "undo": make(each, folder, yes)} for each in planned]
    text = recipe(platform, str(folder.parent), here.proxy)
    place = folder / f"{platform}.md"
    write_private(place, text)
    note(f"wrote {place}")
    return files, text
