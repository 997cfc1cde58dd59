"""`tf run`: a command whose traffic goes through the proxy and that holds no real key."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from tameflare.cli import completing, exposure, java, loginstore, names, project, settings_files
from tameflare.cli.bundle import bundle_text
from tameflare.cli.child import CannotStart
from tameflare.cli.environment import child_environment
from tameflare.cli.files import write_private
from tameflare.cli.ground import Ground
from tameflare.cli.isolating import choose
from tameflare.cli.node import write_preload
from tameflare.cli.session import Run, Session, UnknownAgent
from tameflare.cli.wishes import Wishes
from tameflare.core.errors import TameFlareError
from tameflare.process import close_to_debuggers
from tameflare.settings import TOKEN, Settings

_NEW_AGENT_SECONDS: Final = 5.0
_BETWEEN_TRIES: Final = 0.05


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  tf run -- python agent.py
  tf run --name deploy-bot -- claude
  tf run --no-proxy registry.internal -- npm test
  tf run --isolate --hide ~/.aws -- claude

Ends with the command's own exit code (128 + n if signal n ended it; 127 if
there is no such command).""",
)
@click.option(
    "--name",
    "--agent",
    "agent",
    metavar="NAME",
    shell_complete=completing.agents,
    help="Agent that the command runs as [default: `default`].",
)
@click.option("--no-proxy", multiple=True, metavar="HOST", help="Host that is reached directly; may be repeated.")
@click.option("--keep-env", multiple=True, metavar="VARIABLE", help="Variable to hand on that would be removed.")
@click.option("--isolate", is_flag=True, help="Run it in namespaces whose only way out is the proxy (Linux).")
@click.option("--isolate-if-possible", is_flag=True, help="The same, but run it unprotected where that cannot be had.")
@click.option("--hide", multiple=True, metavar="PATH", help="Hide this from an isolated command as well.")
@click.option("--read-only", multiple=True, metavar="PATH", help="An isolated command must not write there.")
@click.option("--show", multiple=True, metavar="PATH", help="Leave this visible in /tmp or /run, which are private.")
@click.option("--project", "directory", metavar="DIR", help="Directory whose .tf is used [default: this one].")
@click.option("--quiet", "-q", is_flag=True, help="No warnings and no closing line.")
@click.argument(
    "arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...", shell_complete=completing.files
)
def command(
    agent: str | None,
    no_proxy: tuple[str, ...],
    keep_env: tuple[str, ...],
    isolate: bool,
    isolate_if_possible: bool,
    hide: tuple[str, ...],
    read_only: tuple[str, ...],
    show: tuple[str, ...],
    directory: str | None,
    quiet: bool,
    arguments: tuple[str, ...],
) -> int:
    """Run COMMAND through TameFlare."""
    close_to_debuggers()  # the command must not read in its parent what was taken out of its own environment
    here = project.require(Settings(), Path(directory) if directory else None)
    wishes = Wishes(hide, read_only, show)
    ground = choose(here.folder, wishes, asked=isolate, if_possible=isolate_if_possible, no_proxy=no_proxy)
    session = Session(here.proxy, here.token, here.authority)
    try:
        run = _open(session, here, agent, Path(arguments[0]).name)
        names.remember(run.gateway, connectors=run.connectors)
        environment, remarks = _environment(session, run, ground, no_proxy, keep_env)
        if not quiet:
            exposed = None if ground.isolated else exposure.warning(str(here.folder or here.proxy))
            _remark([exposed, *remarks])
        if java.VARIABLE not in keep_env:
            ground.prepare_java(environment, session.proxy_url(run), no_proxy)
        code = ground.run(arguments, environment, session, _gone)
        if not quiet:
            _closing_line(session, run, lost=ground.isolated and code != 0)
        return code
    except CannotStart as fault:
        _say(str(fault))
        return fault.status
    finally:
        ground.close()
        session.close()


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
            raise TameFlareError(f"agent `{agent}` is {status}", f"run `tf agents activate {agent}`")


def _environment(
    session: Session, run: Run, ground: Ground, no_proxy: tuple[str, ...], keep: tuple[str, ...]
) -> tuple[dict[str, str], list[str]]:
    """The command's environment, and what its user should know of it."""
    bundle = ground.folder / "ca-bundle.pem"
    write_private(bundle, bundle_text(session.authorities(run), os.environ, ground.reader))
    child = child_environment(
        ground.outer(os.environ, keep),
        proxy_url=ground.proxy_url(session.proxy_url(run)),
        bundle=str(bundle),
        connectors=run.connectors,
        no_proxy=no_proxy,
        keep=keep,
        node_preload=str(write_preload(ground.folder)),
        only_way=ground.isolated,
    )
    replaced = ", ".join(child.replaced)
    remark = f"{replaced}: your own key gave way to a placeholder; the gateway puts its credential in"
    variables = child.variables | settings_files.write(ground.folder, child.variables, keep, ground.reader)
    return variables, [*([remark] if child.replaced else []), *ground.reader.remarks]


def _remark(sentences: Iterable[str | None]) -> None:
    for sentence in filter(None, sentences):
        _say(sentence)


def _closing_line(session: Session, run: Run, *, lost: bool) -> None:
    """`lost`: the command failed where only the proxy can be reached, perhaps because it does not know of it."""
    counts = session.counts(run)
    if counts is None:
        _say("the proxy cannot be reached, so what was allowed and denied is not known here; see `tf logs`")
        return
    limited = f", {counts['limited']} over the rate limit" if counts["limited"] else ""
    _say(f"{counts['allowed']} allowed, {counts['denied']} denied, {counts['held']} held{limited}")
    if lost and not any(counts.values()):
        _say("nothing came to the proxy; if it wanted the network: isolated, it reaches hosts by HTTPS_PROXY alone")


def _gone() -> None:
    _say("the proxy is gone; calls of this command fail from now on")


def _say(sentence: str) -> None:
    click.echo(f"tameflare: {sentence}", err=True)
