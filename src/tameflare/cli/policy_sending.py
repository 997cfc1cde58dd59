"""Policy files on their way to the server, and what is said of what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tameflare.cli.client import Api, segment
from tameflare.cli.errors import Rejected
from tameflare.cli.output import clean, note, paint, print_json, say
from tameflare.cli.policy_files import found, text_of

PATH: Final = "/api/dashboard/policies"
_COLOURS: Final = {"created": "ok", "updated": "warning", "deleted": "deny"}
_SIGNS: Final = {"+": "ok", "-": "deny"}


def path(*parts: str) -> str:
    return "/".join([PATH, *map(segment, parts)])


def files(places: Iterable[str]) -> list[dict[str, str]]:
    """The files that are meant, as the server reads them. Raises InvalidValue."""
    return [{"name": place, "text": text_of(place)} for place in found(places)]


def preview(api: Api, sent: Sequence[Mapping[str, str]], *, prune: bool) -> list[dict[str, Any]]:
    """What would change. Raises Rejected with every fault."""
    changes: list[dict[str, Any]] = send(api, sent, prune=prune, dry_run=True)["changes"]
    return changes


def send(api: Api, sent: Sequence[Mapping[str, str]], **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = api.post(path("apply"), {"files": sent, **options})
    return answer


def changing(changes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [change for change in changes if change["kind"] != "unchanged"]


def show_faults(fault: Rejected, as_json: bool) -> None:
    """Every fault on a line of its own, by file, line and column."""
    if as_json:
        print_json({"stored": False, "changes": [], "faults": fault.faults})
        return
    for each in fault.faults:
        say(clean(_line(each)))
    many = len(fault.faults)
    note(f"{many} fault{'' if many == 1 else 's'}; nothing is stored")


def _line(fault: Mapping[str, Any]) -> str:
    place = ":".join(str(fault[part]) for part in ("file", "line", "column") if fault.get(part))
    advice = f"; {fault['help']}" if fault.get("help") else ""
    return f"{f'{place}: ' if place else ''}{fault['message']}{advice}"


def show_changes(changes: Sequence[Mapping[str, Any]], *, diff: bool) -> None:
    """A line for each policy that changes, or the differences themselves."""
    for change in changing(changes):
        if diff:
            show_diff(change["diff"])
        else:
            kind = str(change["kind"])
            say(f"{paint(f'{kind:<8}', _COLOURS[kind])} {clean(_versions(change))}")


def show_diff(diff: str) -> None:
    for line in diff.splitlines():
        say(paint(clean(line), _SIGNS.get(line[:1], "")))


def _versions(change: Mapping[str, Any]) -> str:
    name, before, after = change["name"], change["before"], change["after"]
    off = "" if change["enabled"] or not after else " (switched off; `tf policy enable` switches it on)"
    if not after:
        return f"{name} (version {before})"
    return f"{name} ({f'version {before} → {after}' if before else f'version {after}'}){off}"
