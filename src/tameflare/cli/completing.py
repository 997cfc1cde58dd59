"""What a shell is offered: names seen lately and the shipped tables; nobody is asked over the network."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from tameflare.cli import names


def gateways(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001 - click's signature
    return _fitting(names.of_gateways(), begun)


def connectors(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    return _fitting(names.of_connectors(_gateway(context)), begun)


def agents(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    return _fitting(names.of_agents(_gateway(context)), begun)


def types(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    from tameflare.connectors import registry

    return _fitting(registry.TYPES, begun)


def settings(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    from tameflare.settings import ALL

    return _fitting((setting.name for setting in ALL), begun.upper())


def scopes(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """What the kill switch can stop, as far as it is known here."""
    gateway = _gateway(context)
    kinds = {"connector": names.of_connectors(gateway), "gateway": names.of_gateways()}
    return _fitting(["all", *(f"{kind}:{name}" for kind, found in kinds.items() for name in found)], begun)


def patterns(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Action types of the connector that stands before; first their beginnings (`github.pr.`), then the whole names."""
    from tameflare.cli.patterns import actions

    type_ = names.of_connectors(_gateway(context)).get(str(context.params.get("connector") or ""))
    known = _fitting(actions(type_) if type_ else (), begun)
    groups = {action.rpartition(".")[0] + "." for action in known}
    return sorted(groups) if len(groups) > 1 else known


def actions(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Action types of every shipped connector; first their beginnings."""
    from tameflare.cli import patterns as known
    from tameflare.connectors import registry

    found = _fitting((action for type_ in registry.TYPES for action in known.actions(type_)), begun)
    groups = {action.rpartition(".")[0] + "." for action in found}
    return sorted(groups) if len(groups) > 1 else found


def files(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:  # noqa: ARG001
    """Whatever the shell itself would offer."""
    return [CompletionItem(begun, type="file")]


def _gateway(context: click.Context) -> str:
    return str(context.params.get("gateway") or names.project_gateway())


def _fitting(offered: Iterable[str], begun: str) -> list[str]:
    return sorted(name for name in offered if name.startswith(begun))
