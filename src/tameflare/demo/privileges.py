"""Programs without root's powers, so that what is shown of same-user protection holds for root's sessions too."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess


@functools.cache
def unprivileged() -> tuple[str, ...]:
    """What to put before a command line so that root runs it without capabilities; empty for anybody else.

    Also empty where util-linux's setpriv is missing or may not do this: `is_all_seeing` is true then.
    """
    setpriv = shutil.which("setpriv") if os.geteuid() == 0 else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)  # noqa: S603 - fixed words
    return prefix if tried.returncode == 0 else ()


def is_all_seeing() -> bool:
    """Whether programs started here can look into every process of the machine, whatever these do."""
    return os.geteuid() == 0 and not unprivileged()
