"""A group of commands that says what a mistyped one was meant to be."""

from __future__ import annotations

import difflib

import click


class Group(click.Group):
    """What every group of `tf` is made of."""

    def known(self, ctx: click.Context) -> list[str]:
        """Every name that is understood."""
        return self.list_commands(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if ctx.resilient_parsing or name.startswith("-") or name in self.known(ctx):
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.known(ctx), n=1)
        path = ctx.command_path
        advice = f"did you mean `{path} {near[0]}`?" if near else f"`{path} --help` lists all"
        raise click.UsageError(f"no command `{name}`; {advice}", ctx)
