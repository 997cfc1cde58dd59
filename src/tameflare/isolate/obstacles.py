"""Why a machine does not let a user make namespaces, and what mends it: one cause, found by looking."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any, Final

from tameflare.core.errors import TameFlareError
from tameflare.isolate import kernel
from tameflare.isolate.numbers import ARCHITECTURES

_PAGE: Final = "docs/isolation.md"
_SETTINGS: Final = Path("/proc/sys")
_REFUSED: Final = frozenset({errno.EPERM, errno.EACCES, errno.ENOSPC, errno.EUSERS})


class CannotIsolate(TameFlareError):
    """Isolation cannot be had here; nothing was started."""

    code = "cannot_isolate"


def check_platform() -> None:
    """Raises CannotIsolate on systems and architectures that isolation was not made for."""
    if not sys.platform.startswith("linux"):
        raise CannotIsolate(
            f"isolation needs Linux, this is {sys.platform}", "run the command in a Linux machine or container"
        )
    if kernel.machine() not in ARCHITECTURES:
        raise CannotIsolate(
            f"isolation knows no {kernel.machine()}", f"use one of {', '.join(ARCHITECTURES)}, or run without --isolate"
        )


def explain(told: dict[str, Any]) -> CannotIsolate:
    """The fault for what the helper told: `fault` (the step), `errno`, `place`."""
    step, number, place = str(told.get("fault")), int(told.get("errno") or 0), str(told.get("place") or "")
    if step == "streams":
        return CannotIsolate(
            f"{place} is a directory", "start the command with its standard streams on files or a pipe"
        )
    if step == "directory":
        return CannotIsolate(f"the working directory `{place}` is hidden by isolation", "start from another directory")
    if number == errno.ESTALE:
        return CannotIsolate(f"`{place}` was moved while the run was prepared", "find out by what, then start again")
    known = _cause(step, number)
    return CannotIsolate(*known) if known else _unknown(step, number, place)


def _cause(step: str, number: int) -> tuple[str, str] | None:
    if number == errno.ENOSYS:
        return "this kernel is too old for isolation", "use Linux 5.12 or newer"
    if number not in _REFUSED:
        return None
    if _setting("kernel/unprivileged_userns_clone") == "0":
        return (
            "kernel.unprivileged_userns_clone is 0: only root may make user namespaces",
            "run `sudo sysctl -w kernel.unprivileged_userns_clone=1`",
        )
    if _setting("user/max_user_namespaces") == "0":
        return (
            "user.max_user_namespaces is 0: nobody may make user namespaces",
            "run `sudo sysctl -w user.max_user_namespaces=10000`",
        )
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1" and os.geteuid() != 0:
        return (
            "AppArmor allows this program no user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)",
            f"install the AppArmor profile for tf, see {_PAGE}",
        )
    if step == "identity" and os.geteuid() == 0:
        return (
            "root cannot be mapped without the capability CAP_SETFCAP",
            "run as an ordinary user, or give root that capability (in a container: --cap-add SETFCAP)",
        )
    return _container(step, number)


def _container(step: str, number: int) -> tuple[str, str] | None:
    if _is_filtered():
        return (
            "a seccomp filter keeps this process from making namespaces, as in most containers",
            f"isolate the whole container, or start it with a profile that allows unshare and mount, see {_PAGE}",
        )
    if step == "mounts" and number in (errno.EPERM, errno.EACCES) and _proc_is_masked():
        return (
            "parts of /proc are masked, as in most containers, so the kernel allows no new /proc",
            f"start the container with an unmasked /proc, or isolate the whole container, see {_PAGE}",
        )
    if number == errno.ENOSPC:
        return "too many user namespaces, or too deep", "raise user.max_user_namespaces"
    if step == "unshare" and not Path("/").samefile("/proc/1/root"):
        return "the kernel allows no user namespaces in a chroot", "start the command outside of it"
    return None


def _unknown(step: str, number: int, place: str) -> CannotIsolate:
    at = f" at `{place}`" if place else ""
    return CannotIsolate(
        f"isolation could not be set up: {step}{at}: {os.strerror(number)}", f"see {_PAGE}, or run without --isolate"
    )


def _setting(name: str) -> str:
    try:
        return (_SETTINGS / name).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _is_filtered() -> bool:
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    return "\nSeccomp:\t2" in status


def _proc_is_masked() -> bool:
    from tameflare.isolate.mountinfo import read

    return any(mount.point.startswith("/proc/") and mount.kind != "binfmt_misc" for mount in read())
