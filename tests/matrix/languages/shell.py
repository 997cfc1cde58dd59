"""Programs of the command line."""

from __future__ import annotations

import shutil
import sys
from typing import Any, Final

from tests.matrix.clients import ALLOWED, DENIED, HELD, PROGRAMS, Client, Verdict, always

LANGUAGE: Final = "Command line"
REST: Final = (ALLOWED, DENIED, HELD)


def client(name: str, script: str = "", **options: Any) -> Client:
    """A client whose script is called after it."""
    program = script or name

    def missing() -> str:
        return "" if shutil.which(program) else f"there is no {program}"

    return Client(
        name, LANGUAGE, ("bash", str(PROGRAMS / "shell" / f"{program}.sh")), **{"missing": missing, **options}
    )


CLIENTS: Final = (
    client("curl"),
    client(
        "wget",
        verdict=Verdict.SHIM,
        remark="`tf run` gives it a file of settings with the certificates (`WGETRC`), which begins with your own.",
    ),
    client(
        "gh",
        scenarios=REST,
        remark="with `gh api`. Commands that ask GitHub's GraphQL are all one action, `github.unknown.post`.",
    ),
    client(
        "git",
        gateway="git",
        scenarios=(ALLOWED, DENIED),
        shows="remote: action: {action}",
        remark="a clone and a fetch are allowed, a push is denied.",
    ),
    client(
        "git-lfs",
        gateway="lfs",
        scenarios=REST,
        remark="Objects are on another host than their repository, which needs a connector of its own, with the "
        "credential `passthrough`: the server's answer says how to sign in there.",
    ),
    client(
        "pip",
        gateway="python",
        environment={"PYTHON": sys.executable},
        scenarios=REST,
        shows="{message}",
        missing=always,
        remark="from an index that wants a key, which pip has a placeholder of. The text is that of a file which is "
        "denied; where the index itself is, pip says why only with `--verbose`, else that there is no such package.",
    ),
    client(
        "git push",
        "git",
        gateway="pushing",
        scenarios=(ALLOWED, HELD),
        remark="people are asked once, about the pack, and see which refs move. A no is shown as "
        "`! [remote rejected] main -> main (TameFlare: …)`, with the reason in lines that begin with `remote:`.",
    ),
)
