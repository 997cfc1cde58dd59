"""`tf run`: a command whose traffic goes through the proxy and that holds no real key."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

import click

from tameflare.cli import loginstore, project
from tameflare.cli.bundle import bundle_text
from tameflare.cli.child import CannotStart, run_child
from tameflare.cli.environment import child_environment
from tameflare.cli.files import write_private
from tameflare.cli.session import Run, Session, UnknownAgent
from tameflare.core.errors import TameFlareError
from tameflare.process import close_to_debuggers
from tameflare.settings import TOKEN, Settings

_NEW_AGENT_SECONDS: Final = 5.0
_BETWEEN_TRIES: Final = 0.05
_DANGEROUS: Final = frozenset({"manage", "approve", "kill_switch"})


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  tf run -- python agent.py
  tf run --name deploy-bot -- claude
  tf run --no-proxy registry.internal -- npm test

Ends with the command's own exit code (128 + n if signal n ended it; 127 if
there is no such command).""",
)
@click.option("--name", "--agent", "agent", metavar="NAME", help="Agent that the command runs as [default: `default`].")
@click.option("--no-proxy", multiple=True, metavar="HOST", help="Host that is reached directly; may be repeated.")
@click.option("--keep-env", multiple=True, metavar="VARIABLE", help="Variable to hand on that would be removed.")
@click.option("--project", "directory", metavar="DIR", help="Directory whose .tf is used [default: this one].")
@click.option("--quiet", "-q", is_flag=True, help="No closing line.")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
def command(
    agent: str | None,
    no_proxy: tuple[str, ...],
    keep_env: tuple[str, ...],
    directory: str | None,
    quiet: bool,
    arguments: tuple[str, ...],
) -> int:
    """Run COMMAND through TameFlare."""
    close_to_debuggers()  # the command must not read in its parent what was taken out of its own environment
    here = project.require(Settings(), Path(directory) if directory else None)
    session = Session(here.proxy, here.token)
    run = _open(session, here, agent, Path(arguments[0]).name)
    folder = Path(tempfile.mkdtemp(prefix="tameflare-"))
    try:
        _warn_about_login(here.folder)
        environment = _environment(session, run, folder, no_proxy, keep_env)
        code = run_child(arguments, environment, lambda: session.watch(_gone))
        if not quiet:
            _closing_line(session, run)
        return code
    except CannotStart as fault:
        _say(str(fault))
        return fault.status
    finally:
        session.close()
        shutil.rmtree(folder, ignore_errors=True)


def _open(session: Session, here: project.Project, agent: str | None, program: str) -> Run:
    """Begin the run; an agent that does not exist yet is made if the user is logged in and may."""
    try:
        return session.open(agent, program)
    except UnknownAgent as fault:
        assert agent is not None
        _make_agent(here, agent, fault)
    deadline = time.monotonic() + _NEW_AGENT_SECONDS
    while True:
        try:
            return session.open(agent, program)
        except UnknownAgent:
            if time.monotonic() > deadline:
                raise TameFlareError(
                    f"agent `{agent}` was made, but the proxy has not heard of it", "see `tf status`"
                ) from None
        time.sleep(_BETWEEN_TRIES)


def _make_agent(here: project.Project, agent: str, fault: UnknownAgent) -> None:
    """Make it through the API. Raises `fault` where nobody is logged in, TameFlareError where it is not active."""
    if not here.gateway or not (loginstore.read() or Settings().is_set(TOKEN)):
        raise fault
    from tameflare.cli.client import connect, items, segment

    agents = f"/api/dashboard/gateways/{segment(here.gateway)}/agents"
    with connect() as api:
        status = {item["name"]: item["status"] for item in items(api.get(agents))}.get(agent)
        if status is None:
            api.post(agents, {"name": agent})
            _say(f"agent `{agent}` made under gateway `{here.gateway}`")
        elif status != "active":
            raise TameFlareError(f"agent `{agent}` is {status}", f"run `tf agents set {agent} --status active`")


def _environment(
    session: Session, run: Run, folder: Path, no_proxy: tuple[str, ...], keep: tuple[str, ...]
) -> dict[str, str]:
    bundle = folder / "ca-bundle.pem"
    write_private(bundle, bundle_text(run.ca_pem, os.environ))
    child = child_environment(
        os.environ,
        proxy_url=session.proxy_url(run),
        bundle=str(bundle),
        connectors=run.connectors,
        no_proxy=no_proxy,
        keep=keep,
    )
    if child.replaced:
        names = ", ".join(child.replaced)
        _say(f"{names}: your own key gave way to a placeholder; the gateway puts its credential in")
    return child.variables


def _warn_about_login(folder: Path | None) -> None:
    """Once per project: without isolation a command of the same user can read the stored log-in."""
    login = loginstore.read()
    marker = folder / "warned" if folder else None
    if login is None or (login.scopes and not _DANGEROUS & set(login.scopes)) or (marker and marker.exists()):
        return
    _say(f"the command can read your log-in in {loginstore.path()}; run agents as another user where that matters")
    if marker:
        write_private(marker, "")


def _closing_line(session: Session, run: Run) -> None:
    counts = session.counts(run)
    if counts is None:
        _say("the proxy cannot be reached, so what was allowed and denied is not known here; see `tf logs`")
        return
    limited = f", {counts['limited']} over the rate limit" if counts["limited"] else ""
    _say(f"{counts['allowed']} allowed, {counts['denied']} denied, {counts['held']} held{limited}")


def _gone() -> None:
    _say("the proxy is gone; calls of this command fail from now on")


def _say(sentence: str) -> None:
    click.echo(f"tameflare: {sentence}", err=True)
