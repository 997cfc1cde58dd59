"""Identity and powers inside: the same user and group as outside, and no capability, now or after any exec."""

from __future__ import annotations

import errno
import itertools
from pathlib import Path
from typing import Final

from tameflare.isolate import kernel

_PR_CAPBSET_DROP: Final = 24
_PR_SET_SECUREBITS: Final = 28
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_AMBIENT_CLEAR: Final = 4
_SECURE_BITS: Final = 0b1110_1111  # NOROOT, NO_SETUID_FIXUP, NO_AMBIENT_RAISE and the locks of all four


def keep_identity(user: int, group: int) -> None:
    """Map one user and one group to themselves in the user namespace that was just made."""
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def drop_powers() -> None:
    """No capability in any set, none to be had by being root, and none by running a set-user-ID program."""
    for capability in itertools.count():
        try:
            kernel.prctl(_PR_CAPBSET_DROP, capability)
        except OSError as fault:
            if fault.errno != errno.EINVAL:
                raise
            break
    kernel.prctl(_PR_SET_SECUREBITS, _SECURE_BITS)
    kernel.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR)
    kernel.drop_all_capabilities()
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1)
