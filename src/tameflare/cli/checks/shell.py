"""The user's shell: variables, and files of other programs, that lead traffic past the proxy or trust anybody."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tameflare.cli.bundle import USERS as BUNDLES
from tameflare.cli.checks.around import Around
from tameflare.cli.checks.findings import Said, ok, warning
from tameflare.settings import UPSTREAM_PROXY

_PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_RUN_TOKEN: Final = "tfr_"  # noqa: S105 - the beginning of one
_UNCHECKED: Final = {
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    "GIT_SSL_NO_VERIFY": "",
    "PYTHONHTTPSVERIFY": "0",
}
_OLDEST_NODE: Final = (18, 0)
_PROGRAM_SECONDS: Final = 5.0


def proxies(around: Around) -> Said:
    variables = around.variables
    found = next((name for name in _PROXIES if variables.get(name)), None)
    if found and _RUN_TOKEN in variables[found]:
        yield warning("this shell runs under `tf run` itself", "run `tf` outside of it")
    elif found and around.settings.get(UPSTREAM_PROXY) is None:
        yield warning(
            f"{found} is set, and TameFlare's proxy does not use it",
            "if this network needs it, start `tf up` with TF_UPSTREAM_PROXY set to it; `tf run` replaces it",
        )


def exceptions(around: Around) -> Said:
    name = next((name for name in ("NO_PROXY", "no_proxy") if around.variables.get(name)), None)
    if name is None:
        return
    hosts = [host.strip() for host in around.variables[name].split(",")]
    if "*" in hosts:
        yield warning(
            f"{name} is `*`: programs started without `tf run` use no proxy at all",
            "`tf run` clears it; a program that sets it again by itself goes past the proxy",
        )
    else:
        yield warning(f"{name} is set", "`tf run` clears it but for what `--no-proxy` names")


def bundles(around: Around) -> Said:
    """Files of authorities that the user's programs trusted until now: `tf run` puts them into its own."""
    for name in BUNDLES:
        value = around.variables.get(name)
        if value and not os.access(value, os.R_OK):
            yield warning(
                f"{name} names `{value}`, which cannot be read",
                "correct or unset it: runs do without those authorities",
            )


def unchecked(around: Around) -> Said:
    for name, off in _UNCHECKED.items():
        value = around.variables.get(name)
        if value is not None and (value == off or not off):
            yield warning(
                f"{name} is set: programs take any certificate for genuine",
                "unset it; `tf run` makes ours known to them",
            )


def node(around: Around) -> Said:
    program = shutil.which("node", path=around.variables.get("PATH"))
    if program is None:
        return
    try:
        told = subprocess.run(  # noqa: S603 - the user's own program, as a run would start it
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_PROGRAM_SECONDS,
            env=dict(around.variables),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    yield from _node_findings(told.stdout.strip(), told.returncode, around.variables.get("NODE_OPTIONS", ""))


def _node_findings(version: str, status: int, options: str) -> Said:
    if status != 0:
        where = f" with NODE_OPTIONS `{options}`" if options else ""
        yield warning(
            f"`node` does not start{where}", "correct or unset NODE_OPTIONS, and see that `node --version` works"
        )
        return
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < _OLDEST_NODE:
        yield warning(
            f"`node` is {version}, for which TameFlare's preload was not made",
            "use Node 18 or newer, or `tf run --isolate`",
        )


_FILES: Final[tuple[tuple[str, str, str], ...]] = (
    (".gitconfig", r"^\s*proxy\s*=", "git"),
    (".npmrc", r"^\s*(?:https?-)?proxy\s*=", "npm"),
    (".curlrc", r"^\s*(?:-x|--?proxy\b|proxy\b)", "curl"),
    (".config/pip/pip.conf", r"^\s*proxy\s*=", "pip"),
)


def files(around: Around) -> Said:
    """A proxy in a program's own file stands before the one in the environment, where `tf run` does not overrule it."""
    home = around.variables.get("HOME")
    overruled = {"curl"} if around.proxy_url.startswith("https:") else set()
    for name, pattern, program in _FILES if home else ():
        if program in overruled:
            continue
        place = Path(home or "") / name
        if re.search(pattern, _text(place), re.MULTILINE | re.IGNORECASE):
            yield warning(
                f"`{place}` names a proxy of its own, so {program} goes past TameFlare's",
                f"take the line out of `{place}`",
            )


def _text(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def environment_findings(variables: Mapping[str, str]) -> Said:
    """What stands in an environment and bears on runs."""
    from tameflare.settings import Settings

    around = Around(Settings(variables), variables)
    found = [finding for check in (proxies, exceptions, bundles, unchecked) for finding in check(around)]
    yield from found or [ok("nothing in the environment stands in the way")]
