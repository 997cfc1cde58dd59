"""`tf login`: registers the first owner, or logs in, and keeps a personal token."""

from __future__ import annotations

import platform
import sys
from typing import Any

import click

from tameflare.cli import loginstore
from tameflare.cli.options import json_option, need_terminal
from tameflare.cli.output import note, print_json
from tameflare.core.errors import InvalidValue
from tameflare.settings import Settings


@click.command(
    "login",
    epilog="""\b
Examples:
  tf login
  printf '%s' "$PASSWORD" | tf login --email ada@example.com --password-stdin
  printf '%s' "$PASSWORD" | tf login --register --setup-code "$CODE" \\
      --name Ada --email ada@example.com --password-stdin

On a new server the first log-in registers the owner; `tf up` prints the
set-up code for it. Scripts and CI may set TF_TOKEN instead of logging in.""",
)
@click.option("--server", metavar="URL", help="Server [default: TF_SERVER_URL, or TF_PORT here].")
@click.option("--register", is_flag=True, help="Register a new account, also where an owner exists.")
@click.option(
    "--setup-code", envvar="TF_SETUP_CODE", show_envvar=True, metavar="CODE", help="Set-up code for the first owner."
)
@click.option("--name", envvar="TF_LOGIN_NAME", show_envvar=True, help="Your name, for a new account.")
@click.option("--email", envvar="TF_LOGIN_EMAIL", show_envvar=True, help="Your e-mail address.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")
@json_option
def command(
    server: str | None,
    register: bool,
    setup_code: str | None,
    name: str | None,
    email: str | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Register or log in, and remember it on this machine."""
    from tameflare.cli.client import Api, trusted_server

    with Api(server or trusted_server(Settings())) as api:
        first = needs_owner(api.get("/api/health"))
        if register or first:
            answer = _register(
                api, setup_code if setup_code or not first else _ask("Set-up code"), name, email, password_stdin
            )
        else:
            answer = _log_in(api, email, password_stdin)
        place = _keep(api.server, answer)
    if as_json:
        print_json({"server": api.server, "user": answer["user"]})
    else:
        user = answer["user"]
        note(f"logged in at {api.server} as {user['email']} ({user['role']}); kept in {place}")


def needs_owner(health: Any) -> bool:
    return isinstance(health, dict) and bool(health.get("setup_required"))


def _register(api: Any, code: str | None, name: str | None, email: str | None, from_stdin: bool) -> dict[str, Any]:
    body = {"name": name or _ask("Name"), "email": email or _ask("E-mail")}
    body["password"] = read_password(from_stdin, confirm=True)
    if code:
        body["setup_code"] = code.strip()
    return _answer(api.post("/api/dashboard/register", body))


def _log_in(api: Any, email: str | None, from_stdin: bool) -> dict[str, Any]:
    body = {"email": email or _ask("E-mail"), "password": read_password(from_stdin, confirm=False)}
    return _answer(api.post("/api/dashboard/login", body | {"name": f"tf on {platform.node() or 'a machine'}"}))


def _answer(answer: Any) -> dict[str, Any]:
    assert isinstance(answer, dict)
    return answer


def _keep(server: str, answer: dict[str, Any]) -> object:
    login = loginstore.Login(server, answer["token"], answer["user"]["email"], tuple(answer["scopes"]))
    return loginstore.write(login)


def _ask(what: str) -> str:
    need_terminal(what, "the options that `tf login --help` lists")
    return str(click.prompt(what, err=True))


def read_password(from_stdin: bool, *, confirm: bool) -> str:
    """A password from stdin, or asked for. Raises InvalidValue where none came."""
    if from_stdin:
        value = sys.stdin.readline().rstrip("\r\n")
        if not value:
            raise InvalidValue("no password came on stdin", "pipe it in")
        return value
    need_terminal("Password", "`--password-stdin`")
    prompt = "Password (12 characters or more)" if confirm else "Password"
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))
