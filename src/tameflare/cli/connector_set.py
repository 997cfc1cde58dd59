"""`tf connector set`: changes a connector; what is not named stays as it is."""

from __future__ import annotations

from typing import Any, Final

import click

from tameflare.cli import completing
from tameflare.cli.gateway_paths import gateway_path
from tameflare.cli.options import gateway_option, json_option, read_secret, secret_options
from tameflare.cli.output import note, print_json
from tameflare.core.config import AuthScheme, CredentialMode
from tameflare.core.errors import InvalidValue

_AUTH: Final = [scheme.value for scheme in AuthScheme]
_MODES: Final = [mode.value for mode in CredentialMode]


@click.command(
    "set",
    epilog="""\b
Examples:
  tf connector set crm --allow-address 10.1.2.3 --allow-address 10.8.0.0/16
  tf connector set github --record title --record base
  tf connector set crm --allow-address ''              (no private address any more)
  tf connector set crm --domain api.crm.example --domain eu.crm.example --secret-env CRM_KEY

An option that may be repeated replaces the whole list; an empty value clears it.
Where a stored credential would go to further hosts or ports, or out without
TLS, it has to be given again.""",
)
@click.argument("name", shell_complete=completing.connectors)
@click.option("--domain", "domains", multiple=True, metavar="HOST", help="Host, or `*.` and a suffix; may be repeated.")
@click.option("--port", "ports", multiple=True, metavar="PORT", help="May be repeated.")
@click.option("--path", "paths", multiple=True, metavar="PATH", help="Endpoint, for MCP servers; may be repeated.")
@click.option("--auth", type=click.Choice(_AUTH), help="Where the credential stands.")
@click.option("--auth-name", metavar="FIELD", help="Header, query parameter or cookie that carries it.")
@click.option("--credential", type=click.Choice(_MODES), help="Whether requests need one.")
@click.option("--allow-address", "allow_addresses", multiple=True, metavar="CIDR", help="Private address allowed.")
@click.option("--allow-plaintext/--no-allow-plaintext", default=None, help="Whether http without TLS is allowed.")
@click.option("--record", multiple=True, metavar="PARAMETER", help="Parameter whose value is recorded.")
@click.option("--identify/--no-identify", default=None, help="Whether the upstream is told the agent's name.")
@click.option(
    "--strict-mask/--no-strict-mask", default=None, help="Whether answers that cannot be masked are withheld."
)
@secret_options
@gateway_option
@json_option
def set_(
    name: str, secret_stdin: bool, secret_env: str | None, gateway: str | None, as_json: bool, **fields: Any
) -> None:
    """Change connector NAME."""
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    changes = {field: _value(field, given) for field, given in fields.items() if given not in (None, ())}
    if not changes:
        raise InvalidValue("nothing to change was named", "see `tf connector set --help`")
    with connect() as api:
        place = gateway_path(gateway, "connectors", name)
        if secret_stdin or secret_env:
            changes["secret"] = read_secret(f"Credential for {name}", secret_stdin, secret_env).reveal()
        changed = api.patch(place, changes)
        settle(api)
    if as_json:
        print_json(changed)
    else:
        note(f"connector `{name}` changed: {', '.join(sorted(set(changes) - {'secret'}))}")


def _value(field: str, given: Any) -> object:
    """As the API takes it; empty members stand for nothing, so that a list can be cleared."""
    if not isinstance(given, tuple):
        return given
    members = [member for member in given if member]
    return [_port(member) for member in members] if field == "ports" else members


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise InvalidValue(f"`{text}` is not a port", "write a number from 1 to 65535")
    return int(text)
