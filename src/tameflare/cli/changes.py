"""Files of the user's that a command changes: shown first, asked about, kept as they were, and undone by a line."""

from __future__ import annotations

import difflib
import itertools
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from tameflare.cli.options import confirm
from tameflare.cli.output import clean, note
from tameflare.cli.replacing import replace
from tameflare.core.errors import InvalidValue

_KEPT: Final = "before"


@dataclass(frozen=True)
class Change:
    """`before` is None where there is no such file; `private` ones hold a token and are closed to others."""

    path: Path
    before: str | None
    after: str
    private: bool = False

    @property
    def status(self) -> str:
        if self.before is None:
            return "new"
        return "unchanged" if self.before == self.after else "changed"

    def difference(self) -> str:
        """As `diff -u` shows it; what is private is only named."""
        if self.private:
            return f"{self.path}: {self.status}, with a token in it\n"
        lines = difflib.unified_diff(
            (self.before or "").splitlines(), self.after.splitlines(), str(self.path), str(self.path), lineterm=""
        )
        return "".join(f"{clean(line)}\n" for line in lines)


def read(path: Path) -> str | None:
    """The file's text; None where there is none. Raises InvalidValue where it is no text, or cannot be read."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise InvalidValue(f"`{path}` is not a text in UTF-8", "mend it first") from None
    except OSError as fault:
        raise InvalidValue(f"cannot read `{path}`: {fault.strerror}", "check its owner and mode") from None


def make(change: Change, project: Path, yes: bool) -> str:
    """Write it, after asking where something of the user's is changed; a line that undoes it, empty where nothing was.

    `project` is the `.tf` folder, where the former text is kept.
    """
    if change.status == "unchanged":
        note(f"{change.path} is as it should be")
        return ""
    _check_no_link(change.path)
    if change.status == "changed":
        click.echo(change.difference(), err=True, nl=False)
        confirm(f"Change {change.path} so?", yes)
    undo = _undo(change, project)
    replace(change.path, _top(change.path, project), change.before, change.after, private=change.private)
    note(f"wrote {change.path}; to undo: {undo}")
    return undo


def _undo(change: Change, project: Path) -> str:
    if change.before is None:
        return f"rm {shlex.quote(str(change.path))}"
    kept = _free(project / _KEPT, "_".join(change.path.absolute().parts[-3:]).strip("/"))
    replace(kept, project, None, change.before, private=True)
    return f"cp {shlex.quote(str(kept))} {shlex.quote(str(change.path))}"


def _free(folder: Path, name: str) -> Path:
    """A name that no earlier text is kept under."""
    names = (name if number == 0 else f"{name}.{number}" for number in itertools.count())
    return next(folder / name for name in names if not (folder / name).exists())


def _check_no_link(path: Path) -> None:
    """Raises InvalidValue for a link: what came with somebody's files could lead us to write anywhere."""
    for place in (path, path.parent):
        if place.is_symlink():
            raise InvalidValue(f"`{place}` is a link", f"name the file itself: `--file {place.resolve()}`")


def _top(path: Path, project: Path) -> Path:
    """Above what is the user's to arrange, by links too; below it there must be none."""
    inside = path.is_relative_to(project.parent)
    return project.parent if inside else path.parent.parent
