"""`tf config`: every setting as it is in effect here, and where it came from."""

from __future__ import annotations

import difflib

import click

from tameflare.cli import completing
from tameflare.cli.errors import Exit
from tameflare.cli.options import json_option
from tameflare.cli.output import say, show
from tameflare.core.errors import InvalidValue
from tameflare.settings import ALL, Settings


@click.command(
    "config",
    epilog="""\b
Examples:
  tf config
  tf config --changed
  tf config TF_DATA_DIR GATEWAY_URL
  tf config --json | jq -r '.[] | select(.source != "default") | .name'

Settings come from the environment; where the proxy, the server and their tokens are
also from `.tf/config.yaml` and the log-in, and so does the proxy's authority
(TF_PROXY_CA), which `.tf/config.yaml` keeps itself. Secrets are shown as `***`. Server and
proxy have environments of their own: ask where they run. Exit code 2 if a value
is wrong.""",
)
@click.argument("settings", nargs=-1, metavar="[SETTING]...", shell_complete=completing.settings)
@click.option("--changed", is_flag=True, help="Only what differs from the default.")
@json_option
def command(settings: tuple[str, ...], changed: bool, as_json: bool) -> int:
    """Show the settings in effect, and where each came from."""
    from tameflare.cli.effective import DEFAULT, rows

    wanted = {_known(name) for name in settings}
    found = [row for row in rows(Settings()) if not wanted or row.name in wanted]
    found = [row for row in found if not changed or row.source != DEFAULT]
    table = [(row.name, row.value, row.source) for row in found]
    show([row.as_dict() for row in found], as_json, ("setting", "value", "source"), table, "all are the defaults")
    wrong = [row for row in found if row.wrong]
    if wrong and not as_json:
        say(f"{len(wrong)} cannot be used")
    return Exit.USAGE if wrong else Exit.OK


def _known(name: str) -> str:
    """The setting's own name. Raises InvalidValue where there is none."""
    all_names = [setting.name for setting in ALL]
    if name.upper() in all_names:
        return name.upper()
    near = difflib.get_close_matches(name.upper(), all_names, n=1)
    raise InvalidValue(f"there is no setting `{name}`", f"did you mean `{near[0]}`?" if near else "see `tf config`")
