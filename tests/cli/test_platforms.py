"""What `tf init --platform` does to a user's files: shows, asks, keeps what stands in them, and can be undone."""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Ended
from tests.cli.doubles import FakeProxy

from tameflare.cli import changes, project
from tameflare.cli.changes import Change, make, read
from tameflare.cli.platform_files import merged
from tameflare.cli.platforms import PLATFORMS
from tameflare.cli.project import Project
from tameflare.core.errors import InvalidValue, TameFlareError
from tameflare.core.secret import Secret

Tf = Callable[..., Ended]
CLAUDE = Path(".claude/settings.local.json")
TOKEN = "gwtk_canary"


@pytest.fixture
def set_up(proxy: FakeProxy, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a token that its proxy accepts; the directory of its agent."""
    place = home / "my-agent"
    monkeypatch.setenv("GATEWAY_URL", proxy.url)
    project.save(place / ".tf", Project(None, "http://127.0.0.1:1", proxy.url, "my-agent", Secret(TOKEN)), "")
    return place


def claude(place: Path) -> Any:
    return json.loads((place / CLAUDE).read_text())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_print_writes_nothing_and_asks_nobody(tf: Tf, home: Path, platform: str) -> None:
    ended = tf("init", "--platform", platform, "--print")
    assert ended.code == 0
    assert f"{home}/my-agent" in ended.out
    assert list((home / "my-agent").iterdir()) == []
    assert "files" in json.loads(tf("init", "--platform", platform, "--print", "--json").out)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_writing_twice_is_writing_once(tf: Tf, set_up: Path, platform: str) -> None:
    first = tf("init", "--platform", platform)
    assert (first.code, first.out.strip()) == (0, (set_up / ".tf" / f"{platform}.md").read_text().strip())
    again = json.loads(tf("init", "--platform", platform, "--json").out)
    assert {file["status"] for file in again["files"]} <= {"unchanged"}


def test_what_stands_in_the_file_stays(tf: Tf, set_up: Path) -> None:
    (set_up / ".claude").mkdir()
    users = {"model": "opus", "env": {"A": "1"}, "permissions": {"allow": ["Bash(ls:*)"], "deny": ["Read(./.env)"]}}
    (set_up / CLAUDE).write_text(json.dumps(users))
    assert tf("init", "--platform", "claude-code", "--yes").code == 0
    found = claude(set_up)
    assert (found["model"], found["env"]["A"]) == ("opus", "1")
    assert found["permissions"]["allow"] == ["Bash(ls:*)"]
    assert found["permissions"]["deny"] == [
        "Read(./.env)",
        "Read(./.tf/**)",
        "Read(~/.config/tameflare/**)",
        "Bash(tf:*)",
    ]


def test_a_file_is_changed_only_when_somebody_agreed(tf: Tf, set_up: Path) -> None:
    (set_up / ".claude").mkdir()
    (set_up / CLAUDE).write_text('{"model": "opus"}')
    ended = tf("init", "--platform", "claude-code")
    assert ended.code == 2
    assert '-{"model": "opus"}' in ended.err
    assert "say so by `--yes`" in ended.err
    assert claude(set_up) == {"model": "opus"}


def test_the_undoing_line_undoes(tf: Tf, set_up: Path) -> None:
    (set_up / ".claude").mkdir()
    (set_up / CLAUDE).write_text('{"model": "opus"}')
    told = json.loads(tf("init", "--platform", "claude-code", "--yes", "--json").out)["files"]
    subprocess.run(shlex.split(told[0]["undo"]), check=True)
    assert (set_up / CLAUDE).read_text() == '{"model": "opus"}'
    fresh = json.loads(tf("init", "--platform", "openai", "--yes", "--json").out)["files"]
    for file in fresh:
        subprocess.run(shlex.split(file["undo"]), check=True)
    assert not list((set_up / ".codex").iterdir())


def test_every_former_text_is_kept(tf: Tf, set_up: Path) -> None:
    (set_up / ".claude").mkdir()
    for model in ("opus", "sonnet"):
        (set_up / CLAUDE).write_text(json.dumps({"model": model}))
        assert tf("init", "--platform", "claude-code", "--yes").code == 0
    kept = {json.loads(path.read_text())["model"] for path in (set_up / ".tf" / "before").iterdir()}
    assert kept == {"opus", "sonnet"}


@pytest.mark.parametrize("linked", [".claude", ".claude/settings.local.json"])
def test_a_link_is_not_written_through(tf: Tf, set_up: Path, home: Path, linked: str) -> None:
    target = home / "elsewhere"
    target.mkdir()
    (set_up / linked).parent.mkdir(exist_ok=True)
    (set_up / linked).symlink_to(target if linked == ".claude" else target / "file")
    ended = tf("init", "--platform", "claude-code", "--yes")
    assert (ended.code, "is a link" in ended.err) == (2, True)
    assert not list(target.iterdir())


def test_a_proxy_in_the_settings_is_warned_of(tf: Tf, set_up: Path) -> None:
    (set_up / ".claude").mkdir()
    (set_up / CLAUDE).write_text(json.dumps({"env": {"HTTPS_PROXY": "http://x", "ANTHROPIC_API_KEY": "y"}}))
    told = tf("init", "--platform", "claude-code", "--yes").err
    assert "HTTPS_PROXY in `env`" in told
    assert "ANTHROPIC_API_KEY in `env`" in told


@pytest.mark.parametrize("text", ["{", "[]", "// comment\n{}", "\xff"])
def test_a_file_that_cannot_be_read_is_left_alone(tf: Tf, set_up: Path, text: str) -> None:
    (set_up / ".claude").mkdir()
    (set_up / CLAUDE).write_bytes(text.encode("latin-1"))
    ended = tf("init", "--platform", "claude-code", "--yes")
    assert (ended.code, "mend it first" in ended.err) == (2, True)
    assert (set_up / CLAUDE).read_bytes() == text.encode("latin-1")


def test_codex_keeps_its_settings(tf: Tf, set_up: Path) -> None:
    (set_up / ".codex").mkdir()
    place = set_up / ".codex" / "config.toml"
    place.write_text('model = "gpt"\n\n[history]\npersistence = "none"\n')
    assert tf("init", "--platform", "openai", "--yes").code == 0
    found = tomllib.loads(place.read_text())
    assert (found["model"], found["history"]) == ("gpt", {"persistence": "none"})
    assert (found["model_provider"], found["model_providers"]["tameflare"]["supports_websockets"]) == (
        "tameflare",
        False,
    )
    place.write_text('model_provider = "mine"\n')
    assert "has the provider `mine`" in tf("init", "--platform", "openai", "--yes").err
    place.write_text("= broken")
    assert "is not TOML" in tf("init", "--platform", "openai", "--yes").err


def test_servers_of_a_client_get_tf_run_before_them(tf: Tf, set_up: Path, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    servers = {
        "Git Hub": {"command": "npx", "args": ["-y", "server"], "env": {"X": "1"}},
        "bare": {"command": "serve"},
        "remote": {"type": "http", "url": "https://mcp.tracker.example/mcp"},
    }
    file.write_text(json.dumps({"other": True, "mcpServers": servers}))
    ended = tf("init", "--platform", "mcp", "--file", str(file), "--yes")
    assert "tf connector add mcp --name remote --domain mcp.tracker.example" in ended.err
    found = json.loads(file.read_text())
    start = ["run", "--quiet", "--project", str(set_up), "--name"]
    assert found["other"] is True
    assert found["mcpServers"]["Git Hub"] == {
        "command": "tf", "args": [*start, "mcp-git-hub", "--", "npx", "-y", "server"], "env": {"X": "1"}
    }  # fmt: skip
    assert found["mcpServers"]["bare"]["args"] == [*start, "mcp-bare", "--", "serve"]
    assert found["mcpServers"]["remote"] == servers["remote"]
    assert tf("init", "--platform", "mcp", "--file", str(file)).code == 0


def test_the_token_is_only_in_the_private_file(tf: Tf, set_up: Path) -> None:
    ended = tf("init", "--platform", "n8n", "--json")
    place = set_up / ".tf" / "n8n.env"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert TOKEN in place.read_text()
    place.write_text("edited")
    shown = tf("init", "--platform", "n8n", "--yes")
    assert TOKEN not in ended.out + ended.err + shown.out + shown.err
    assert TOKEN not in tf("init", "--platform", "n8n", "--print").out


def test_options_of_platforms_need_one(tf: Tf, home: Path) -> None:
    ended = tf("init", "--print")
    assert (ended.code, "go with `--platform`" in ended.err) == (2, True)


def test_merging_never_takes_away() -> None:
    assert merged({"a": 1, "b": [1], "c": {"d": 2}}, {"a": 9, "b": [1, 2], "c": {"e": 3}, "f": 4}) == {
        "a": 1, "b": [1, 2], "c": {"d": 2, "e": 3}, "f": 4
    }  # fmt: skip


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    below = tmp_path / "file" / "below"
    with pytest.raises(InvalidValue, match="cannot read"):
        read(below)
    with pytest.raises(TameFlareError, match="cannot write"):
        make(Change(below, None, "x"), tmp_path, True)


@pytest.mark.parametrize("became", ["file", "folder"])
def test_a_link_that_is_made_while_the_user_is_asked_is_not_written_through(
    set_up: Path, home: Path, monkeypatch: pytest.MonkeyPatch, became: str
) -> None:
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    victim = elsewhere / CLAUDE.name
    victim.write_text("{}")
    place = set_up / CLAUDE
    place.parent.mkdir()
    place.write_text("{}")

    def meanwhile(*_: object) -> None:
        place.unlink()
        if became == "folder":
            place.parent.rmdir()
            place.parent.symlink_to(elsewhere)
        else:
            place.symlink_to(victim)

    monkeypatch.setattr(changes, "confirm", meanwhile)
    with pytest.raises(InvalidValue, match="is a link"):
        make(Change(place, "{}", "ours"), set_up / ".tf", True)
    assert (victim.read_text(), list(elsewhere.iterdir())) == ("{}", [victim])


@pytest.mark.parametrize("now", ["other", "longer than it was", None])
def test_what_changed_while_the_user_was_asked_is_not_lost(
    set_up: Path, monkeypatch: pytest.MonkeyPatch, now: str | None
) -> None:
    place = set_up / "settings"
    place.write_text("longer")
    monkeypatch.setattr(changes, "confirm", lambda *_: place.unlink() if now is None else place.write_text(now))
    with pytest.raises(InvalidValue, match="has changed since it was read"):
        make(Change(place, "longer", "ours"), set_up / ".tf", True)
    assert (place.read_text() if place.exists() else None) == now
    assert not list(set_up.glob(".settings-*"))


def test_a_file_that_appeared_meanwhile_is_left_alone(set_up: Path) -> None:
    (set_up / "settings").write_text("theirs")
    with pytest.raises(InvalidValue, match="has changed"):
        make(Change(set_up / "settings", None, "ours"), set_up / ".tf", True)
    assert (set_up / "settings").read_text() == "theirs"


def test_a_changed_file_keeps_its_mode_and_line_ends(set_up: Path) -> None:
    place = set_up / "settings"
    place.write_bytes(b"a\r\n")
    place.chmod(0o640)
    make(Change(place, read(place), "b\r\n"), set_up / ".tf", True)
    assert (place.read_bytes(), stat.S_IMODE(place.stat().st_mode)) == (b"b\r\n", 0o640)
    kept = list((set_up / ".tf" / "before").iterdir())
    assert [(each.read_bytes(), stat.S_IMODE(each.stat().st_mode)) for each in kept] == [(b"a\r\n", 0o600)]


def test_former_texts_are_not_kept_through_a_link(set_up: Path, home: Path) -> None:
    (home / "elsewhere").mkdir()
    (set_up / ".tf" / "before").symlink_to(home / "elsewhere")
    (set_up / "settings").write_text("a")
    with pytest.raises(InvalidValue, match="is a link"):
        make(Change(set_up / "settings", "a", "b"), set_up / ".tf", True)
    assert ((set_up / "settings").read_text(), list((home / "elsewhere").iterdir())) == ("a", [])


def mcp(tf: Tf, file: Path, **server: Any) -> tuple[Ended, Any]:
    """What a client's file with one server becomes."""
    file.write_text(json.dumps({"mcpServers": {"one": server}}))
    ended = tf("init", "--platform", "mcp", "--file", str(file), "--yes")
    return ended, json.loads(file.read_text())["mcpServers"]["one"]


@pytest.mark.parametrize("command", ["./bin/tf", "bin/tf", "/elsewhere/tf", "../tf"])
def test_another_program_named_tf_is_a_server_like_any_other(
    tf: Tf, set_up: Path, tmp_path: Path, command: str
) -> None:
    found = mcp(tf, tmp_path / "mcp.json", command=command, args=["run", "--", "serve"])[1]
    assert (found["command"], found["args"][-5:]) == ("tf", ["--", command, "run", "--", "serve"])


@pytest.mark.parametrize(
    "arguments", [["run", "--no-proxy", "api.example", "--", "serve"], ["version"], [], ["run", "--", "serve"]]
)
def test_tf_in_another_way_is_warned_of(tf: Tf, set_up: Path, tmp_path: Path, arguments: list[str]) -> None:
    server = {"command": "tf", "args": arguments}
    ended, found = mcp(tf, tmp_path / "mcp.json", **server)
    assert found == server
    assert "`one` starts `tf` in another way" in ended.err


def test_what_was_written_here_is_known_again(tf: Tf, set_up: Path, tmp_path: Path) -> None:
    written = mcp(tf, tmp_path / "mcp.json", command="serve")[1]
    ended, found = mcp(tf, tmp_path / "mcp.json", **written)
    assert found == written
    assert "another way" not in ended.err
    elsewhere = [each if each != str(set_up) else "/elsewhere" for each in written["args"]]
    assert "another way" in mcp(tf, tmp_path / "mcp.json", command="tf", args=elsewhere)[0].err


@pytest.mark.parametrize("variable", ["TF_ISOLATE", "GATEWAY_URL", "PYTHONPATH", "PATH", "LD_PRELOAD"])
@pytest.mark.parametrize("command", ["serve", "tf"])
def test_a_variable_that_tf_would_obey_is_refused(
    tf: Tf, set_up: Path, tmp_path: Path, variable: str, command: str
) -> None:
    server = {"command": command, "env": {"MINE": "1", variable: "x"}}
    ended, found = mcp(tf, tmp_path / "mcp.json", **server)
    assert (ended.code, found) == (2, server)
    assert f"`{variable}` in `env` of the server `one` would be obeyed by `tf` itself" in ended.err
