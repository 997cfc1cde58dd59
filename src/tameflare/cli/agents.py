"""`tf agents`: the named identities under a gateway."""

from __future__ import annotations

import click

from tameflare.cli import completing, names
from tameflare.cli.agent_keys import keys
from tameflare.cli.agents_asked import asked
from tameflare.cli.gateway_paths import gateway_path
from tameflare.cli.group import Group
from tameflare.cli.options import confirm, gateway_name, gateway_option, json_option, yes_option
from tameflare.cli.output import note, picked, print_json, show
from tameflare.core.config import AgentStatus
from tameflare.core.errors import InvalidValue

_COLUMNS = ("name", "environment", "status", "id")
_STATUSES = [status.value for status in AgentStatus]


@click.group(
    "agents",
    cls=Group,
    epilog="""\b
Examples:
  tf agents list
  tf agents add deploy-bot --environment staging
  tf agents suspend deploy-bot
  tf agents keys add deploy-bot
  tf agents asked deploy-bot""",
)
def command() -> None:
    """List, add and suspend agents, and make their keys."""


command.add_command(keys)
command.add_command(asked)


@command.command("list", epilog="\b\nExample:\n  tf agents list --json")
@gateway_option
@json_option
def list_(gateway: str | None, as_json: bool) -> None:
    """List the gateway's agents."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get(gateway_path(gateway, "agents")))
    names.remember(gateway_name(gateway), agents=(agent["name"] for agent in found))
    show(found, as_json, _COLUMNS, picked(found, *_COLUMNS), "no agents")


@command.command("add", epilog="\b\nExample:\n  tf agents add deploy-bot --environment staging")
@click.argument("name")
@click.option(
    "--environment", metavar="NAME", default="production", show_default=True, help="Environment that rules can name."
)
@gateway_option
@json_option
def add(name: str, environment: str, gateway: str | None, as_json: bool) -> None:
    """Add an agent."""
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    with connect() as api:
        made = api.post(gateway_path(gateway, "agents"), {"name": name, "environment": environment})
        settle(api)
    if as_json:
        print_json(made)
    else:
        note(f"agent `{name}` added; run it with `tf run --name {name} -- COMMAND`")


@command.command("set", epilog="\b\nExample:\n  tf agents set deploy-bot --environment production")
@click.argument("name", shell_complete=completing.agents)
@click.option("--status", type=click.Choice(_STATUSES), help="`suspended` until made active again.")
@click.option("--environment", metavar="NAME", help="Environment that rules can name.")
@gateway_option
@json_option
def set_(name: str, status: str | None, environment: str | None, gateway: str | None, as_json: bool) -> None:
    """Change an agent's status or environment."""
    change = {key: value for key, value in (("status", status), ("environment", environment)) if value}
    if not change:
        raise InvalidValue("nothing to change", "give `--status` or `--environment`")
    _change(name, change, gateway, as_json)


@command.command("suspend", epilog="\b\nExample:\n  tf agents suspend deploy-bot")
@click.argument("name", shell_complete=completing.agents)
@gateway_option
@json_option
def suspend(name: str, gateway: str | None, as_json: bool) -> None:
    """Refuse an agent's requests until it is activated."""
    _change(name, {"status": AgentStatus.SUSPENDED.value}, gateway, as_json)


@command.command("activate", epilog="\b\nExample:\n  tf agents activate deploy-bot")
@click.argument("name", shell_complete=completing.agents)
@gateway_option
@json_option
def activate(name: str, gateway: str | None, as_json: bool) -> None:
    """Let a suspended agent go on."""
    _change(name, {"status": AgentStatus.ACTIVE.value}, gateway, as_json)


def _change(name: str, change: dict[str, str], gateway: str | None, as_json: bool) -> None:
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    with connect() as api:
        changed = api.patch(gateway_path(gateway, "agents", name), change)
        settle(api)
    if as_json:
        print_json(changed)
    else:
        note(f"agent `{name}` is {changed['status']}, environment {changed['environment']}")


@command.command("remove", epilog="\b\nExample:\n  tf agents remove deploy-bot --yes")
@click.argument("name", shell_complete=completing.agents)
@yes_option
@gateway_option
@json_option
def remove(name: str, yes: bool, gateway: str | None, as_json: bool) -> None:
    """Remove an agent; its requests are refused at once."""
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    path = gateway_path(gateway, "agents", name)
    confirm(f"Remove agent `{name}`?", yes)
    with connect() as api:
        api.delete(path)
        settle(api)
    if as_json:
        print_json({"removed": name})
    else:
        note(f"agent `{name}` removed")
