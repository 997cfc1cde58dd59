"""`tf connector`: which services a gateway reaches, and with what credential."""

from __future__ import annotations

import difflib
from typing import Any

import click

from tameflare.cli import completing, names
from tameflare.cli.connector_set import set_
from tameflare.cli.gateway_paths import gateway_path
from tameflare.cli.group import Group
from tameflare.cli.options import (
    PRESETS,
    confirm,
    gateway_name,
    gateway_option,
    json_option,
    read_secret,
    secret_options,
    yes_option,
)
from tameflare.cli.output import note, picked, print_json, say, show
from tameflare.core.config import AuthScheme, ConnectorConfig, CredentialMode
from tameflare.core.errors import InvalidValue, TameFlareError

_COLUMNS = ("name", "type", "domains", "auth", "credential", "stored")
_AUTH = [scheme.value for scheme in AuthScheme]
_MODES = [mode.value for mode in CredentialMode]


@click.group(
    "connector",
    cls=Group,
    epilog="""\b
Examples:
  tf connector types
  tf connector add github --preset read-only
  tf connector add generic --name crm --domain api.crm.example --auth header --auth-name X-Api-Key
  tf connector credential github --secret-env GITHUB_TOKEN
  tf connector set crm --allow-address 10.1.2.3
  tf connector test github""",
)
def command() -> None:
    """Add, list, change, test and remove connectors."""


command.add_command(set_)


@command.command("types", epilog="\b\nExample:\n  tf connector types --json")
@json_option
def types(as_json: bool) -> None:
    """List the types that can be added."""
    from tameflare.cli.client import connect, items

    columns = ("type", "domains", "auth", "variables")
    with connect() as api:
        found = items(api.get("/api/dashboard/catalog"))
    show(found, as_json, columns, picked(found, *columns), "no types")


@command.command("list", epilog="\b\nExample:\n  tf connector list --json")
@gateway_option
@json_option
def list_(gateway: str | None, as_json: bool) -> None:
    """List connectors, and which have a credential."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get(gateway_path(gateway, "connectors")))
    names.remember(gateway_name(gateway), connectors=((item["name"], item["type"]) for item in found))
    rows = [item | {"stored": "yes" if item.get("credential_set") else "no"} for item in found]
    show(found, as_json, _COLUMNS, picked(rows, *_COLUMNS), "no connectors; add one with `tf connector add`")


@command.command(
    "add",
    epilog="""\b
Examples:
  tf connector add github                          (asks for the secret)
  echo "$KEY" | tf connector add openai --secret-stdin --preset allow-all
  tf connector add anthropic --credential passthrough
  tf connector add tunnel --name packages --domain packages.example.com --preset allow-all""",
)
@click.argument("type_", metavar="TYPE", shell_complete=completing.types)
@click.option("--name", metavar="NAME", help="Name of this instance; rules use it [default: the type].")
@click.option("--domain", "domains", multiple=True, metavar="HOST", help="Host, or `*.` and a suffix; may be repeated.")
@click.option("--port", "ports", multiple=True, metavar="PORT", type=click.IntRange(1, 65535), help="[default: 443]")
@click.option("--path", "paths", multiple=True, metavar="PATH", help="Endpoint, for MCP servers [default: /mcp, /].")
@click.option("--auth", type=click.Choice(_AUTH), help="Where the credential stands [default: the vendor's way].")
@click.option("--auth-name", metavar="FIELD", help="Header, query parameter or cookie that carries it.")
@click.option("--credential", type=click.Choice(_MODES), help="Whether requests need one [default: required].")
@click.option("--username", metavar="NAME", help="User name, for `--auth basic`.")
@click.option("--allow-address", "allow_addresses", multiple=True, metavar="CIDR", help="Private address allowed.")
@click.option("--allow-plaintext", is_flag=True, help="Allow http without TLS.")
@click.option("--strict-mask", is_flag=True, help="Refuse answers that come encoded and cannot be masked.")
@click.option("--preset", type=click.Choice(PRESETS), help="Access rules to begin with [default: none, all denied].")
@secret_options
@gateway_option
@json_option
def add(
    type_: str,
    preset: str | None,
    secret_stdin: bool,
    secret_env: str | None,
    gateway: str | None,
    as_json: bool,
    **fields: Any,
) -> None:
    """Add a connector of TYPE; `tf connector types` lists them."""
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    body = {"type": type_} | {key: _plain(value) for key, value in fields.items() if value}
    place = gateway_path(gateway, "connectors")
    with connect() as api:
        _check_type(api, type_)
        _check_fields(body)
        if _needs_secret(body, secret_stdin, secret_env):
            secret = read_secret(f"Credential for {type_}", secret_stdin, secret_env).reveal()
            _warn_of_short(secret)
            body["secret"] = secret
        made = api.post(place, body)
        if preset:
            api.post(
                place.removesuffix("/connectors") + "/rules/preset",
                {"connector": made["name"], "preset": preset.replace("-", "_")},
            )
        settle(api)
    gateway = gateway_name(gateway)
    names.remember(gateway, connectors=[*names.of_connectors(gateway).items(), (made["name"], made["type"])])
    if as_json:
        print_json(made)
        return
    note(f"connector `{made['name']}` added")
    if not preset:
        start = "allow-all` opens it" if made["type"] == "tunnel" else "read-only` is a start"
        note(f"nothing is allowed yet; `tf permissions preset {made['name']} {start}")


def _check_type(api: Any, wanted: str) -> None:
    """Before anybody is asked for a secret. Raises InvalidValue for a type that there is not."""
    from tameflare.cli.client import items

    known = [str(item.get("type")) for item in items(api.get("/api/dashboard/catalog"))]
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=1)
        advice = f"did you mean `{near[0]}`?" if near else f"the types are {', '.join(known)}"
        raise InvalidValue(f"there is no connector type `{wanted}`", advice)


def _check_fields(body: dict[str, Any]) -> None:
    """Before anybody is asked for a secret. Raises InvalidValue for options that do not fit the type."""
    from tameflare.connectors import registry

    if body["type"] in registry.TYPES:
        given = {key: body[key] for key in ("domains", "ports", "auth_name", "paths") if key in body}
        auth = AuthScheme(body.get("auth", AuthScheme.VENDOR))
        registry.check(ConnectorConfig(id="", name="", type=body["type"], auth=auth, **given))


def _needs_secret(body: dict[str, Any], from_stdin: bool, variable: str | None) -> bool:
    """A tunnel and the modes `none` and `passthrough` have no secret of ours."""
    if from_stdin or variable:
        return True
    return bool(body["type"] != "tunnel" and body.get("credential", "required") == "required")


def _warn_of_short(secret: str) -> None:
    from tameflare.connectors.secret_forms import SHORTEST

    if len(secret.encode()) < SHORTEST:
        note(f"a secret of fewer than {SHORTEST} characters is not masked where it comes back in answers")


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


@command.command("credential", epilog='\b\nExample:\n  echo "$KEY" | tf connector credential github --secret-stdin')
@click.argument("name", shell_complete=completing.connectors)
@click.option("--username", metavar="NAME", help="User name, for basic authentication.")
@secret_options
@gateway_option
@json_option
def credential(
    name: str, username: str | None, secret_stdin: bool, secret_env: str | None, gateway: str | None, as_json: bool
) -> None:
    """Store or replace a connector's credential."""
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    with connect() as api:
        api.get(gateway_path(gateway, "connectors", name))
        value = read_secret(f"Credential for {name}", secret_stdin, secret_env).reveal()
        _warn_of_short(value)
        credential = {"value": value} | ({"username": username} if username else {})
        api.put(gateway_path(gateway, "connectors", name, "credential"), credential)
        settle(api)
    if as_json:
        print_json({"connector": name, "credential_set": True})
    else:
        note(f"credential of `{name}` stored")


@command.command("remove", epilog="\b\nExample:\n  tf connector remove github --yes")
@click.argument("name", shell_complete=completing.connectors)
@yes_option
@gateway_option
@json_option
def remove(name: str, yes: bool, gateway: str | None, as_json: bool) -> None:
    """Remove a connector with its credential and rules."""
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    path = gateway_path(gateway, "connectors", name)
    confirm(f"Remove connector `{name}` with its credential and rules?", yes)
    with connect() as api:
        api.delete(path)
        settle(api)
    if as_json:
        print_json({"removed": name})
    else:
        note(f"connector `{name}` removed")


@command.command("test", epilog="\b\nExample:\n  tf connector test github")
@click.argument("name", shell_complete=completing.connectors)
@click.option("--path", "url_path", metavar="PATH", help="Path to ask for [default: something harmless of the vendor].")
@gateway_option
@json_option
def test(name: str, url_path: str | None, gateway: str | None, as_json: bool) -> None:
    """Send one harmless request through the gateway.

    Shows what became of it. It is judged and recorded like any other; exit code 1 if it was denied, or the
    upstream refused it.
    """
    from tameflare.cli.client import connect
    from tameflare.cli.connector_test import send_test

    with connect() as api:
        config = api.get(gateway_path(gateway, "connectors", name))
    result = send_test(config, url_path)
    if as_json:
        print_json(result.as_dict())
    else:
        say(result.sentence)
    if not result.ok:
        raise TameFlareError(f"connector `{name}` does not work yet", result.advice)
