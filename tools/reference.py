"""Writes docs/reference/, the manual page and the recipes for platforms from the code, so that they cannot disagree.

`python -m tools.reference` writes; with `--check` it only compares and exits 1 where a page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from tameflare import settings
from tameflare.cli import manpage
from tameflare.cli.errors import MEANING as EXITS
from tameflare.cli.main import cli as tf
from tameflare.cli.platforms import PLATFORMS, recipe
from tameflare.connectors import mcp_names, registry
from tameflare.connectors.routes import Route
from tameflare.connectors.table import vendor_routes
from tameflare.core.decision import Reason
from tameflare.core.reasons import MEANING
from tameflare.core.secret import Secret
from tameflare.isolate.probes.base import Probe, Promise
from tameflare.isolate.probes.table import PROBES
from tameflare.proxy.refusal import FORBIDDEN, HELP, STATUS

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "reference"
MANUAL: Final = FOLDER.parent / "man" / "tf.1"
HOWTO: Final = FOLDER.parent / "howto" / "platforms"
PROXY: Final = "http://127.0.0.1:8443"
NOTE: Final = "<!-- Written by `make docs` from the code. Do not edit. -->\n\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    titles = list(head)
    yield f"| {' | '.join(titles)} |"
    yield f"|{' --- |' * len(titles)}"
    for row in rows:
        cells = [cell.replace("|", "\\|").replace("\n", " ") for cell in row]
        yield f"| {' | '.join(cells)} |"


def settings_page() -> Iterator[str]:
    """Every setting with its default."""
    yield "# Settings"
    yield ""
    yield "Read from the environment of the process. A wrong value stops the start with one clear line;"
    yield "`tf doctor` prints each setting with its source."
    yield ""
    rows = ([f"`{each.name}`", _default(each.default), each.sentence] for each in settings.ALL)
    yield from table(["setting", "default", "what it is"], rows)


def _default(value: Any) -> str:
    if value is None or value == "" or value == {}:
        return "unset"
    if isinstance(value, Secret):
        return "secret"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`".replace(str(Path.home()), "~")


def reasons_page() -> Iterator[str]:
    """Every reason code with the status that an agent gets."""
    yield "# Reason codes"
    yield ""
    yield "Every decision and every failure carries one of these codes: in the answer to the agent (`reason`), in the"
    yield "traffic record and in the metrics. The list is closed."
    yield ""
    yield from table(["reason", "status", "what it means", "what to do"], (_reason(each) for each in Reason))


NO_ANSWER: Final = {
    Reason.RULE_ALLOW,
    Reason.UNWRITTEN_ALLOWED,
    Reason.MONITORED,
    Reason.APPROVED,
    Reason.REMEMBERED,
    Reason.LOCAL_KILL_SWITCH,
    Reason.CLIENT_CLOSED,
}


def _reason(reason: Reason) -> list[str]:
    status = "" if reason in NO_ANSWER else str(STATUS.get(reason, FORBIDDEN))
    return [f"`{reason.value}`", status, MEANING[reason], HELP.get(reason, "")]


def commands_page() -> Iterator[str]:
    """Every command of `tf` with its own help."""
    yield "# Commands"
    yield ""
    yield "The same as a manual page: `tf man | man -l -`, or `man tf` where a package has installed it."
    yield ""
    yield "## Exit codes"
    yield ""
    yield from table(["code", "meaning"], ([str(int(code)), meaning] for code, meaning in EXITS.items()))
    yield ""
    yield "`tf run` ends with the code of its command. A command that also uses 1 or 3 to answer, as `tf doctor`,"
    yield "`tf status` and `tf connector test` do, says so in its help."
    yield ""
    yield "## JSON"
    yield ""
    yield "With `--json`, stdout is one JSON document and nothing else; `tf logs` and `tf approvals watch` print one"
    yield "a line. A fault is one line of JSON on stderr, the last there: `error` (what is wrong), `code` (a word that"
    yield "does not change), `help` (what to do), `exit_code`."
    yield ""
    context = click.Context(tf, info_name="tf", terminal_width=100, **tf.context_settings)
    yield from _command(tf, context, 2)


def _command(command: click.Command, context: click.Context, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} `{context.command_path}`"
    yield ""
    yield "```text"
    yield from (line.rstrip() for line in command.get_help(context).splitlines())
    yield "```"
    yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _command(found, click.Context(found, info_name=name, parent=context), min(depth + 1, 4))


def actions_page() -> Iterator[str]:
    """Every connector type, and every action of the vendors' tables with the requests that it names."""
    yield "# Connectors and actions"
    yield ""
    yield "Rules are patterns over the names in the first column, or over effects. A route of a vendor that is in no"
    yield "table is `<vendor>.unknown.<method>`, which only `**` or a pattern that says `unknown` allows."
    yield ""
    head = ["connector", "hosts", "ways to send the credential", "variables that its SDKs read"]
    yield from table(head, (_type(registry.describe(name)) for name in registry.TYPES))
    for name in registry.TYPES:
        if not registry.describe(name).needs_domains:
            yield from _vendor(name)
    yield from _mcp()


def _type(found: registry.TypeDescription) -> list[str]:
    hosts = ", ".join(found.domains) or "as you name them"
    return [f"`{found.type}`", hosts, ", ".join(found.auth), ", ".join(f"`{name}`" for name in found.variables)]


def _vendor(name: str) -> Iterator[str]:
    rows: dict[tuple[str, str, str], list[str]] = {}
    for route in vendor_routes(name).rows:
        key = (route.type, route.effect.value, route.risk.value)
        rows.setdefault(key, []).append(f"`{route.method} {route.path}`{_when(route)}")
    yield ""
    yield f"## {name}"
    yield ""
    head = ["action", "effect", "risk", "requests"]
    yield from table(head, ([f"`{kind}`", effect, risk, "<br>".join(rows[kind, effect, risk])]
                            for kind, effect, risk in sorted(rows)))  # fmt: skip


def _mcp() -> Iterator[str]:
    """The actions that do not depend on a server's tools."""
    yield ""
    yield "## mcp"
    yield ""
    yield "Tools are `mcp.tools.<name>`, writes of medium risk; [Govern MCP servers](../howto/mcp.md) has the rules."
    yield ""
    requests = {mcp_names.OPEN_STREAM: "GET", mcp_names.CLOSE_SESSION: "DELETE", mcp_names.LIST_TOOLS: mcp_names.LIST}
    rows = [[f"`{kind}`", "read", "low", f"`{asked}`"] for kind, asked in requests.items()]
    rows.append([f"`{mcp_names.RESPONSE}`", "write", "low", "the answer to a request of the server"])
    for method in mcp_names.EFFECTS:
        risk, effect = mcp_names.weigh(method)
        rows.append([f"`{mcp_names.method_type(method)}`", effect.value, risk.value, f"`{method}`"])
    yield from table(["action", "effect", "risk", "requests"], sorted(rows))


def _when(route: Route) -> str:
    when = route.when
    if when is None:
        return ""
    if when.equals:
        return f" with `{when.field}` = `{when.equals}`"
    if when.starts:
        return f" with `{when.field}` beginning `{when.starts}`"
    return f" {'with' if when.present else 'without'} `{when.field}`"


_AREAS: Final = {
    "network": "Network",
    "channels": "Channels to other programs",
    "processes": "Processes",
    "secrets": "Secrets",
    "doors": "TameFlare's own doors",
    "walls": "The walls",
    "machine": "The machine",
    "later": "What runs later",
}
_KINDS: Final = {
    Promise.ALWAYS: ("closed", "closed", "closed"),
    Promise.UNPRIVILEGED: ("open", "closed", "closed"),
    Promise.RIGHTS: ("open", "closed", "closed"),
    Promise.WITHIN: ("not applicable", "not applicable", "closed"),
    Promise.ISOLATION: ("open", "open", "closed"),
    Promise.NEVER: ("open", "open", "open by design"),
}


_WAYS_OUT: Final = """\
`tf doctor --escape` starts a program as `tf run` does and tries these from inside. A way is *open* only where a target
of the doctor's outside received what was sent, where what was read proved to be the secret, or where the kernel itself
granted what was asked for. *closed* means that the attempts fail, not that nobody will ever find another. Where a way
does not exist on a machine (no Docker, no IPv6), it is *not applicable*; where the machine itself closes one, as many
do with typing into terminals, it is closed in every column. Special rights, such as the group `disk`, open some of what
is closed for an ordinary program here.

The columns: a program with root's powers under `tf run`, an ordinary one under `tf run`, and either under
`tf run --isolate`. The exit code is 0 where nothing is open that the kind of run that was tried should close.

The targets are harmless and go away with the doctor. Secrets are compared by digest and never printed. A few denied
requests to this machine appear in the traffic records. With `--offline` nothing is sent beyond the machine; a route to
an address outside then counts as open.
"""


def escape_page() -> Iterator[str]:
    """Every way out that `tf doctor --escape` tries."""
    yield "# Ways out of a run"
    yield ""
    yield _WAYS_OUT
    for area, title in _AREAS.items():
        yield ""
        yield f"## {title}"
        yield ""
        rows = [_way_out(probe) for probe in PROBES if probe.area == area]
        yield from table(["probe", "what it tries", "root", "ordinary", "isolated", "mend"], rows)


def _way_out(probe: Probe) -> list[str]:
    mend = probe.mend if probe.promise is Promise.NEVER else ""
    return [f"`{probe.name}`", probe.tries, *_KINDS[probe.promise], mend]


PAGES: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "settings.md": settings_page,
    "reasons.md": reasons_page,
    "commands.md": commands_page,
    "actions.md": actions_page,
    "escape.md": escape_page,
}


def text(page: str) -> str:
    """The whole text of one page."""
    return NOTE + "\n".join(PAGES[page]()).rstrip() + "\n"


def written() -> dict[Path, str]:
    """Every file with its text."""
    recipes = {HOWTO / f"{name}.md": NOTE + recipe(name, "~/my-agent", PROXY) for name in PLATFORMS}
    return {FOLDER / page: text(page) for page in PAGES} | {MANUAL: manpage.text()} | recipes


def stale() -> list[str]:
    """The files that differ from the code."""
    return [file.name for file, words in written().items() if not file.exists() or file.read_text() != words]


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        found = stale()
        if found:
            print(f"made from the code and stale: {', '.join(found)}; run `make docs`", file=sys.stderr)
        return 1 if found else 0
    for file, words in written().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(words)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
