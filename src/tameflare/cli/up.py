"""`tf up`: server and proxy on this machine, in one terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tameflare import settings
from tameflare.settings import Settings


@click.command(
    "up",
    epilog="""\b
Examples:
  tf up
  TF_PORT=3100 TF_PROXY_PORT=8543 TF_DATA_DIR=./data tf up

Ctrl-C stops both cleanly. Exit code 1 if a port is in use or one of the two
cannot start.""",
)
def command() -> None:
    """Run server and proxy until Ctrl-C."""
    from tameflare.supervisor import Supervisor, up

    environment = Settings()
    folder = environment.get(settings.DATA_DIR)

    def ready(supervisor: Supervisor) -> None:
        proxy, others = supervisor.proxy_url, for_other_machines(environment)
        for line in ready_lines(supervisor.server_url, proxy, folder, setup_code(folder), others):
            click.echo(line)

    up(environment, lambda sentence: click.echo(f"tameflare: {sentence}", err=True), ready)


def setup_code(folder: Path) -> str | None:
    """The code that the first owner registers with, while nobody has."""
    try:
        return (folder / "server" / "setup-code").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None


def for_other_machines(environment: Settings) -> str:
    """The proxy's URL for agents elsewhere, by the first of its names; empty where nobody is to come from there."""
    names = environment.get(settings.PROXY_TLS_NAMES)
    port = environment.get(settings.PROXY_TLS_PORT) or environment.get(settings.PROXY_PORT)
    return f"https://{names[0]}:{port}" if names else ""


def ready_lines(server: str, proxy: str, folder: Path, code: str | None, others: str = "") -> list[str]:
    """What a person needs now: where it is, and what to type next. `others`: the proxy for agents elsewhere."""
    places = {"dashboard": f"{server}/dashboard", "server": server, "proxy": proxy}
    places |= {"elsewhere": others} if others else {}
    places["data"] = str(folder)
    where = [f"  {name:<9}  {place}" for name, place in places.items()]
    steps = _first_steps(server, code) if code else _NEXT
    return ["TameFlare is up", "", *where, "", *steps, "", "Ctrl-C stops both"]


_NEXT: Final = ["Next, in another terminal, in the directory of your agent:", "", "  tf init", "  tf run -- COMMAND"]


def _first_steps(server: str, code: str) -> list[str]:
    return [
        "Nobody has registered yet. The owner registers in a browser at",
        "",
        f"  {server}/register",
        "",
        "or in another terminal by",
        "",
        "  tf login",
        "",
        "with this set-up code:",
        "",
        f"  {code}",
    ]
