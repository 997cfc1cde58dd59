"""The project, the log-in, and what the gateway says to them."""

from __future__ import annotations

from typing import Any, Final

from tameflare.cli import loginstore
from tameflare.cli.checks.around import Around, is_health, quietly, told
from tameflare.cli.checks.findings import Said, ok, red, warning
from tameflare.cli.checks.private import is_wide
from tameflare.cli.session import Run
from tameflare.connectors import registry
from tameflare.connectors.placeholders import bound_to, variables
from tameflare.settings import TOKEN

_FULL: Final = "full_enforce"


def project(around: Around) -> Said:
    here = around.project
    if here is None:
        yield warning("no gateway is set up here", "run `tf init`")
        return
    place = here.folder / "config.yaml" if here.folder else None
    if place and place.exists() and is_wide(place):
        yield red(f"`{place}` is open to others", f"run `chmod 600 {place}`")
    else:
        yield ok(f"gateway `{here.gateway or '(from the environment)'}` by {here.proxy}")


def login(around: Around) -> Said:
    place, stored = loginstore.path(), loginstore.read()
    if stored is None and not around.settings.is_set(TOKEN):
        yield warning("not logged in", "run `tf login`")
        return
    if stored is not None and is_wide(place):
        yield red(f"`{place}` is open to others", f"run `chmod 600 {place}`")
    _ = around.gateways  # a token that is refused is told by whom it was refused
    yield ok("logged in by TF_TOKEN" if around.settings.is_set(TOKEN) else f"logged in, kept in `{place}`")


def gateway(around: Around) -> Said:
    """Whether `tf run` would start here."""
    here = around.project
    if here is None:
        return
    if quietly(around, "gateways") and here.gateway and around.gateway is None:
        yield red(f"there is no gateway `{here.gateway}` at `{around.server_url}`", "run `tf init` to make it")
    run = around.run  # raises what the proxy answers
    if run is not None and here.gateway and run.gateway != here.gateway:
        yield red(
            f"the token in use is of gateway `{run.gateway}`, not of `{here.gateway}`",
            "unset TF_GATEWAY_TOKEN, or run `tf init --new-token`",
        )


def agents(around: Around) -> Said:
    for agent in quietly(around, "agents") or ():
        if agent["status"] != "active":
            name, status = agent["name"], agent["status"]
            yield warning(f"agent `{name}` is {status}", f"`tf agents activate {name}` lets it go on")


def kill_switch(around: Around) -> Said:
    for switch in quietly(around, "switches") or ():
        yield warning(
            f"the kill switch is on for {switch['scope']}",
            f"an owner lets it go on: `tf kill-switch off --scope {switch['scope']}`",
        )
    local = told(around.proxy).get("local_kill_switches", ()) if around.proxy is not None else ()
    for scope in local:
        yield warning(
            f"a local kill switch is on for {scope}",
            f"on the proxy's machine: `tf kill-switch off --local --scope {scope}`",
        )


def level(around: Around) -> Said:
    here = around.project
    if here is None or around.proxy is None or not is_health(around.proxy):
        return
    found = (told(around.proxy).get("levels") or {}).get(here.gateway)
    if found not in (None, _FULL):
        passes = "everything passes" if found == "monitor" else "what no rule names passes"
        yield warning(
            f"gateway `{here.gateway}` is at level {found}: {passes}",
            f"if that is not meant: `tf gateways set {here.gateway} --level full_enforce`",
        )


def credentials(around: Around) -> Said:
    """Connectors whose requests would be refused for want of a credential."""
    for connector in quietly(around, "connectors") or ():
        if connector["credential"] == "required" and connector["type"] != "tunnel" and not connector["credential_set"]:
            name = connector["name"]
            yield red(f"connector `{name}` has no credential", f"store one with `tf connector credential {name}`")


def keys(around: Around) -> Said:
    """Keys and placeholders in this shell for which the gateway has nothing."""
    run = quietly(around, "run")
    if run is None:
        return
    known = {variable: type_ for type_ in registry.TYPES for variable in variables(type_)}
    for variable, kind in known.items():
        yield from _key(variable, kind, around.variables.get(variable, ""), run)


def _key(variable: str, kind: str, value: str, run: Run) -> Said:
    stands_for = bound_to(value)
    if stands_for and stands_for not in {name for name, _ in run.connectors}:
        yield warning(
            f"{variable} holds the placeholder of connector `{stands_for}`, which gateway `{run.gateway}` lacks",
            f"unset it, or add the connector with `tf connector add {kind} --name {stands_for}`",
        )
    elif value and not stands_for and kind not in {type_ for _, type_ in run.connectors}:
        yield warning(
            f"{variable} is set, but gateway `{run.gateway}` has no connector of type `{kind}`",
            f"its requests will be refused; add one with `tf connector add {kind}`",
        )


def upstreams(around: Around) -> Said:
    """One harmless request through each connector; only where it was asked for."""
    from tameflare.cli.connector_test import send_test

    for connector in around.connectors:
        if connector["type"] != "tunnel":
            yield from _tried(send_test(connector, None))


def _tried(result: Any) -> Said:
    if result.ok:
        yield ok(f"connector `{result.connector}` works: {result.sentence}")
    elif result.denied:
        yield warning(f"connector `{result.connector}` was not let through: {result.sentence}", result.advice)
    else:
        yield red(f"connector `{result.connector}` does not work: {result.sentence}", result.advice)
