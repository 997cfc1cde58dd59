from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Ended

from tameflare.cli import loginstore, project, trust
from tameflare.cli.client import Api, connect, fault_of, is_loopback, items, server_url
from tameflare.cli.errors import Exit, NotLoggedIn, exit_code
from tameflare.cli.init import gateway_name_for
from tameflare.cli.output import clean, moment
from tameflare.core.errors import SettingError, TameFlareError
from tameflare.settings import Settings

Tf = Callable[..., Ended]


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (401, {"error": "Unauthorized"}, Exit.NOT_LOGGED_IN, "the server does not accept the stored log-in"),
        (401, {"code": "login_failed", "message": "Invalid email or password"}, Exit.FAILED, "Invalid email"),
        (403, {"error": "Forbidden", "required_role": "owner", "your_role": "member"}, Exit.FAILED, "the role `owner`"),
        (404, {"error": "Not Found", "message": "no gateway `x`", "help": "do y"}, Exit.FAILED, "no gateway `x`; do y"),
        (422, {"faults": [{"field": "name", "message": "too long"}, {"field": "", "message": "odd"}]}, Exit.USAGE,
         "`name`: too long, odd"),
        (500, None, Exit.FAILED, "the server answered 500"),
        (502, ["x"], Exit.FAILED, "the server answered 502"),
    ],
)  # fmt: skip
def test_an_error_answer_is_a_sentence_and_an_exit_code(status: int, body: object, code: Exit, words: str) -> None:
    fault = fault_of(status, body, logged_in=True)
    assert exit_code(fault) is code
    assert words in str(fault)


def test_a_wrong_master_key_is_not_taken_for_an_old_log_in() -> None:
    answer = {"code": "wrong_master_key", "message": "SETTINGS_ENCRYPTION_KEY is not the key", "help": "start again"}
    fault = fault_of(401, answer, logged_in=True)
    assert (exit_code(fault), str(fault)) == (Exit.NOT_LOGGED_IN, "SETTINGS_ENCRYPTION_KEY is not the key; start again")


def test_a_stored_token_goes_only_to_its_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    loginstore.write(loginstore.Login("https://one.example", "tfu_x"))
    assert server_url(Settings({})) == "https://one.example"
    monkeypatch.setenv("TF_SERVER_URL", "https://two.example")
    with pytest.raises(NotLoggedIn, match=r"not logged in at `https://two\.example`"):
        connect()
    with connect(required=False) as api:
        assert not api.logged_in


def test_a_port_that_is_set_stands_before_the_server_of_the_log_in() -> None:
    loginstore.write(loginstore.Login("http://127.0.0.1:3000", "tfu_x"))
    assert server_url(Settings({"TF_PORT": "3100"})) == "http://127.0.0.1:3100"


@pytest.mark.parametrize("server", ["http://tameflare.example", "http://192.0.2.7:3000"])
def test_a_server_elsewhere_is_not_spoken_to_in_the_clear(server: str) -> None:
    with pytest.raises(SettingError, match="is not encrypted; use https"):
        Api(server, "tfu_x")


def test_a_refused_token_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_TOKEN", "tfu_old")
    assert str(fault_of(401, {}, logged_in=True)).startswith("the server does not accept TF_TOKEN")


def test_a_log_in_prints_without_its_token() -> None:
    assert "tfu_" not in repr(loginstore.Login("https://one.example", "tfu_secret"))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"server": "x"}', "nonsense"])
def test_a_broken_log_in_says_what_to_do(text: str) -> None:
    loginstore.write(loginstore.Login("a", "b"))
    loginstore.path().write_text(text)
    with pytest.raises(SettingError, match="remove it and run `tf login`"):
        loginstore.read()


def test_the_environment_token_needs_no_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_TOKEN", "tfu_ci")
    with connect() as api:
        assert api.logged_in


def test_no_token_or_password_goes_where_only_a_folder_leads(tf: Tf, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path.cwd() / ".tf"
    folder.mkdir(mode=0o700)
    lines = ("server: https://elsewhere.example", "proxy: http://p", "gateway: g", "gateway_token: gwtk_x")
    (folder / "config.yaml").write_text("\n".join(lines))
    project.accept(folder)
    for arguments, token in ((("agents", "list"), "tfu_ci"), (("login", "--email", "a@example.com"), "")):
        monkeypatch.setenv("TF_TOKEN", token)
        ended = tf(*arguments)
        assert ended.code == 2
        assert "nothing but the `.tf` folder says that `https://elsewhere.example` is your server" in ended.err
    monkeypatch.setenv("TF_TOKEN", "tfu_ci")
    monkeypatch.setenv("TF_SERVER_URL", "https://elsewhere.example")
    with connect() as api:
        assert (api.server, api.logged_in) == ("https://elsewhere.example", True)


@pytest.mark.parametrize(("url", "near"), [("http://127.0.0.1:1", True), ("http://[::1]:1", True),
                                           ("http://localhost", True), ("https://127.example", False)])  # fmt: skip
def test_loopback(url: str, near: bool) -> None:
    assert is_loopback(url) is near


def test_records_cannot_drive_a_terminal() -> None:
    assert clean("a\x1b[2Jb\r\n\u202ec") == "a\\u001b[2Jb\\u000d\\n\\u202ec"
    assert clean("Zürich") == "Zürich"


def test_a_list_is_told_from_any_other_answer() -> None:
    assert items({"items": [{"a": 1}], "next_cursor": None}) == [{"a": 1}]
    for other in ({}, [], None, {"items": "none"}):
        with pytest.raises(TameFlareError, match="no list; use the same version"):
            items(other)


def test_a_moment_that_is_unknown_is_empty() -> None:
    assert moment(None) == ""
    assert moment(0).startswith(("1970-01-01", "1969-12-31"))


@pytest.mark.parametrize(
    ("directory", "name"), [("My Agent!", "my-agent"), ("---", "default"), ("x" * 99, "x" * 40), ("a_b.c", "a-b-c")]
)
def test_a_gateway_is_named_like_its_directory(directory: str, name: str) -> None:
    assert gateway_name_for(directory) == name


def test_a_broken_project_file_says_what_to_do(tf: Tf) -> None:
    folder = Path.cwd() / ".tf"
    folder.mkdir(mode=0o700)
    for text, words in (("[", "is not YAML"), ("server: x", "lacks one of"), ("- a", "lacks one of")):
        (folder / "config.yaml").write_text(text)
        trust.remember(folder, text.encode())
        ended = tf("agents", "list")
        assert ended.code == 2
        assert words in ended.err
        assert "run `tf init` to write it anew" in ended.err


def test_platforms_are_listed_without_a_server(tf: Tf) -> None:
    assert "claude-code" in tf("init", "--list").out
    assert json.loads(tf("init", "--list", "--json").out)["mcp"]
