"""`tf man`: the manual page, made from the commands themselves."""

from __future__ import annotations

import click


@click.command("man", epilog="\b\nExamples:\n  tf man | man -l -\n  tf man > ~/.local/share/man/man1/tf.1")
def command() -> None:
    """Print the manual page."""
    from tameflare.cli.manpage import text

    click.echo(text(), nl=False)
