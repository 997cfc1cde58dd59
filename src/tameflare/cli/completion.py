"""`tf completion`: the script that teaches a shell to complete `tf`'s commands, options and names."""

from __future__ import annotations

from typing import Final

import click

SHELLS: Final = ("bash", "zsh", "fish")
_VARIABLE: Final = "_TF_COMPLETE"
_BASH: Final = """\
_tf_completion() {
    local IFS=$'\\n' line kind value
    COMPREPLY=()
    while IFS= read -r line; do
        kind=${line%%,*} value=${line#*,}
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                [[ $value == *. ]] && compopt -o nospace
                ;;
        esac
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _TF_COMPLETE=bash_complete "$1" 2>/dev/null)
    return 0
}
complete -o nosort -F _tf_completion tf
"""
"""Unlike click's own it quotes what it offers, and puts no space behind a name that goes on."""


@click.command(
    "completion",
    epilog="""\b
Examples:
  eval "$(tf completion bash)"                          # in ~/.bashrc
  eval "$(tf completion zsh)"                           # in ~/.zshrc, behind compinit
  tf completion fish > ~/.config/fish/completions/tf.fish

Names of gateways, connectors and agents are completed once a command has shown
them; action names come with `tf`. The network is not asked.""",
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script for SHELL."""
    click.echo(script(shell), nl=False)


def script(shell: str) -> str:
    from click.shell_completion import get_completion_class

    from tameflare.cli.main import cli

    if shell == "bash":
        return _BASH
    found = get_completion_class(shell)
    assert found is not None
    return found(cli, {}, "tf", _VARIABLE).source().lstrip("\n")
