"""Programs without root's powers, so that what is shown of same-user protection holds for root's sessions too."""

from __future__ import annotations

import os
import shutil


def unprivileged() -> list[str]:
    """What to put before a command line so that root runs it without capabilities; empty for anybody else.

    Also empty where util-linux's setpriv is missing: `is_all_seeing` then stays true for the command.
    """
    setpriv = shutil.which("setpriv") if os.geteuid() == 0 else None
    return [setpriv, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"] if setpriv else []


def is_all_seeing() -> bool:
    """Whether programs started here can look into every process of the machine, whatever these do."""
    return os.geteuid() == 0 and not unprivileged()
