"""`tf init`: sets a directory up for a gateway, and prints what a platform needs."""

from __future__ import annotations

import platform as machine
import re
from pathlib import Path
from typing import Any

import click

from tameflare.cli import completing, outer_tls, platform_setup, project
from tameflare.cli.errors import Unreachable
from tameflare.cli.options import json_option, yes_option
from tameflare.cli.output import note, print_json, say
from tameflare.cli.platforms import PLATFORMS
from tameflare.cli.project import FOLDER, Project
from tameflare.cli.session import Session, proxy_address
from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret
from tameflare.settings import GATEWAY_URL, PROXY_PORT, Settings


@click.command(
    "init",
    epilog="""\b
Examples:
  tf init
  tf init --gateway payments
  tf init --proxy https://proxy.example:9443 --proxy-ca proxy-ca.pem
  tf init --platform claude-code
  tf init --platform mcp --file ~/.cursor/mcp.json --print
  tf init --list

Running it again keeps gateway and token as long as the proxy accepts it;
`--new-token` gets a fresh one all the same. A file of yours is changed only
after it was shown and you agreed; what it was is kept in .tf/before.""",
)
@click.option("--gateway", "-g", metavar="NAME", help="Gateway to use or make [default: the directory's name].")
@click.option("--proxy", metavar="URL", help="Where the proxy is [default: GATEWAY_URL, or TF_PROXY_PORT here].")
@click.option(
    "--proxy-ca",
    metavar="FILE",
    shell_complete=completing.files,
    help="Authority (PEM) of a proxy that is reached by https.",
)
@click.option("--platform", type=click.Choice(sorted(PLATFORMS)), help="Write what this platform needs, and a recipe.")
@click.option(
    "--file",
    metavar="FILE",
    shell_complete=completing.files,
    help="With --platform: the platform's file [default: the one in this directory].",
)
@click.option(
    "--print", "only_print", is_flag=True, help="With --platform: show what would be written, and write nothing."
)
@yes_option
@click.option("--list", "list_", is_flag=True, help="List the platforms.")
@click.option("--new-token", is_flag=True, help="Get a new proxy token also where there is one.")
@json_option
def command(
    gateway: str | None,
    proxy: str | None,
    proxy_ca: str | None,
    platform: str | None,
    file: str | None,
    only_print: bool,
    yes: bool,
    list_: bool,
    new_token: bool,
    as_json: bool,
) -> None:
    """Connect this directory to a gateway."""
    if list_:
        _list(as_json)
        return
    if (file or only_print) and not platform:
        raise click.UsageError("`--file` and `--print` go with `--platform`; `tf init --list` names the platforms")
    folder = Path.cwd() / FOLDER
    wanted = Path(file).expanduser().absolute() if file else None
    if platform and only_print:
        planned, shown = platform_setup.preview(platform, folder, wanted, Settings())
        _tell(planned, shown, as_json)
        return
    stored = _stored(folder)
    name = gateway or stored.get("gateway") or gateway_name_for(Path.cwd().name)
    url = _proxy_url(proxy, stored.get("proxy"), Settings())
    proxy_address(url)
    authority = project.read_authority(Path(proxy_ca)) if proxy_ca else project.authority(Settings(), stored, url)
    here = None if new_token else _existing(folder, stored, name, url, authority)
    if here is None:
        here = _set_up(folder, name, url, authority)
    told = {"folder": str(folder), "gateway": here.gateway, "server": here.server, "proxy": here.proxy}
    if platform:
        files, text = platform_setup.write(platform, here, folder, wanted, yes)
        _tell(told | {"files": files}, text, as_json)
    else:
        _tell(told, _next_steps(here), as_json)


def _tell(data: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print_json(data)
    else:
        say(text)


def _proxy_url(given: str | None, stored: str | None, settings: Settings) -> str:
    """The option, else what the environment says, else where the proxy was before."""
    told = settings.is_set(GATEWAY_URL) or settings.is_set(PROXY_PORT)
    return (given or (None if told else stored) or settings.get(GATEWAY_URL)).rstrip("/")


def _list(as_json: bool) -> None:
    if as_json:
        print_json(PLATFORMS)
        return
    for name, sentence in PLATFORMS.items():
        say(f"{name:<12} {sentence}")


def _stored(folder: Path) -> dict[str, str]:
    """What a former `tf init` left here; a file that cannot be read or trusted is removed, to be written anew."""
    if not folder.is_dir():
        return {}
    project.check_private(folder)
    try:
        return project.read_config(folder) or {}
    except SettingError as fault:
        note(f"{fault.message}: starting afresh")
        (folder / "config.yaml").unlink()
        return {}


def _existing(folder: Path, stored: dict[str, str], gateway: str, proxy: str, authority: str) -> Project | None:
    """The project as it stands, if it is for this gateway and proxy and its token still holds."""
    if (stored.get("gateway"), stored.get("proxy"), stored.get("proxy_ca", "")) != (gateway, proxy, authority):
        return None
    here = Project(folder, stored["server"], proxy, gateway, Secret(stored["gateway_token"]), authority)
    return None if Session(here.proxy, here.token, authority).refused() else here


def _set_up(folder: Path, name: str, proxy: str, authority: str) -> Project:
    from tameflare.cli.client import connect, segment
    from tameflare.cli.settle import settle

    certificate = _fetch_ca(proxy, authority)  # first: no token is made for a proxy that cannot be trusted
    with connect() as api:
        _make_gateway(api, name)
        tokens = f"/api/dashboard/gateways/{segment(name)}/tokens"
        token = api.post(tokens, {"name": f"tf init on {machine.node() or 'a machine'}"})["token"]
        server = api.server
        settle(api, (proxy, authority))
    here = Project(folder, server, proxy, name, Secret(token), authority)
    project.save(folder, here, certificate)
    note(f"wrote {folder} for gateway `{name}`")
    return here


def _make_gateway(api: Any, name: str) -> None:
    from tameflare.cli.client import items

    if name not in {item.get("name") for item in items(api.get("/api/dashboard/gateways"))}:
        api.post("/api/dashboard/gateways", {"name": name})
        note(f"gateway `{name}` made")


def gateway_name_for(directory: str) -> str:
    """A gateway's name from a directory's: lower case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", directory.lower()).strip("-")[:40] or "default"


def _fetch_ca(proxy: str, authority: str) -> str:
    """The proxy's CA certificate (PEM), or nothing where the proxy is not up yet: each run brings it again."""
    try:
        answer = outer_tls.get(proxy, authority, "/ca.pem")
    except Unreachable:
        note(f"the proxy at {proxy} does not answer yet; `tf run` needs it")
        return ""
    return answer.text if answer.is_success and "BEGIN CERTIFICATE" in answer.text else ""


def _next_steps(here: Project) -> str:
    return f"""This directory uses gateway `{here.gateway}`. Next:
  tf connector add github --preset read-only    which service, with which credential
  tf run -- python agent.py                     run an unchanged program through it
  tf logs -f                                    watch what it does"""
