"""Whether a run is isolated: by option or setting, and never silently not. Loads the machinery only where it is."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tameflare.cli.ground import Ground, Plain
from tameflare.cli.wishes import Wishes
from tameflare.core.errors import SettingError
from tameflare.settings import ISOLATE, Settings

if TYPE_CHECKING:
    from tameflare.isolate.obstacles import CannotIsolate


def choose(
    folder: Path | None, wishes: Wishes, *, asked: bool, if_possible: bool, no_proxy: Collection[str] = ()
) -> Ground:
    """The ground of a run whose `.tf` is `folder`. Raises CannotIsolate or SettingError where it cannot be as asked."""
    if not _is_wanted(asked, if_possible):
        if wishes and not if_possible:
            raise SettingError("--hide, --read-only and --show need isolation", "add --isolate")
        return Plain(folder)
    if no_proxy:
        raise SettingError(
            f"`{next(iter(no_proxy))}` cannot be reached directly from an isolated command",
            "leave out --no-proxy, or do without isolation",
        )
    from tameflare.isolate.obstacles import check_platform

    check_platform()
    from tameflare.cli.isolation import Isolation

    return Isolation(folder, wishes)


def _is_wanted(asked: bool, if_possible: bool) -> bool:
    mode = "if-possible" if if_possible else "required" if asked else Settings().get(ISOLATE)
    if mode != "if-possible":
        return mode == "required"
    fault = available()
    if fault is not None:
        click.echo(f"tameflare: WARNING: NOT ISOLATED: {fault}", err=True)
    return fault is None


def available() -> CannotIsolate | None:
    """Why isolation cannot be had on this machine by this user; None where it can. It is tried."""
    from tameflare.isolate.launch import launch
    from tameflare.isolate.obstacles import CannotIsolate
    from tameflare.isolate.plan import Plan

    try:
        started = launch(Plan(command=("true",), environment={}, directory="/"))
    except CannotIsolate as fault:
        return fault
    os.waitpid(started.pid, 0)
    return None
