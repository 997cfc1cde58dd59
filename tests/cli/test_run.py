from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Ended
from tests.cli.doubles import LINE, FakeProxy

from tameflare.cli import loginstore, project
from tameflare.cli.project import Project
from tameflare.core.secret import Secret
from tameflare.demo.privileges import is_all_seeing, unprivileged

Tf = Callable[..., Ended]
DUMP = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture
def here(proxy: FakeProxy) -> Path:
    folder = Path.cwd() / ".tf"
    project.save(folder, Project(folder, "http://127.0.0.1:1", proxy.url, "my-agent", Secret("gwtk_x")), "PEM")
    return folder


def test_the_command_gets_its_run_and_the_closing_line_counts(tf_process: Tf, proxy: FakeProxy, here: Path) -> None:
    ended = tf_process("run", "--", sys.executable, "-c", DUMP)
    child = json.loads(ended.out)
    assert child["HTTPS_PROXY"] == proxy.url.replace("http://", "http://default:tfr_abc.def@")
    assert "openai" in child["OPENAI_API_KEY"]
    assert (ended.code, ended.err) == (0, "tameflare: 3 allowed, 1 denied, 0 held\n")
    assert not Path(child["SSL_CERT_FILE"]).exists()
    assert proxy.authorizations == ["Basic " + base64.b64encode(b"gwtk_x:").decode()]


def test_the_bundle_holds_the_proxys_authority_and_is_private(tf_process: Tf, here: Path) -> None:
    script = 'cat "$SSL_CERT_FILE"; stat -c %a "$SSL_CERT_FILE" "$(dirname "$SSL_CERT_FILE")"'
    ended = tf_process("run", "--quiet", "--", "sh", "-c", script)
    assert str(LINE["ca_pem"]).strip() in ended.out
    assert ended.out.endswith("600\n700\n")
    assert ended.err == ""


def test_the_exit_code_passes_through(tf_process: Tf, here: Path) -> None:
    assert tf_process("run", "--", "sh", "-c", "exit 42").code == 42
    missing = tf_process("run", "--", "no-such-command")
    assert (missing.code, missing.err) == (
        127,
        "tameflare: no command `no-such-command`; check its spelling and PATH\n",
    )


def test_options_behind_the_command_are_the_commands(tf_process: Tf, here: Path) -> None:
    assert tf_process("run", "echo", "--name", "x", "--json").out == "--name x --json\n"


def test_the_agent_is_asked_for(tf_process: Tf, proxy: FakeProxy, here: Path) -> None:
    assert tf_process("run", "--name", "bot", "--", "true").code == 0
    assert proxy.asked == [{"command": "true", "agent": "bot"}]


def test_an_unknown_agent_is_refused_with_advice(tf_process: Tf, proxy: FakeProxy, here: Path) -> None:
    proxy.refusals = [(404, {"error": "Not Found", "code": "unknown_agent"})]
    ended = tf_process("run", "--name", "bot", "--", "true")
    assert (ended.code, ended.err) == (1, "tf: this gateway has no agent `bot`; run `tf agents add bot`\n")


def test_a_refused_token_says_so(tf_process: Tf, proxy: FakeProxy, here: Path) -> None:
    proxy.refusals = [(407, {})]
    ended = tf_process("run", "--", "true")
    assert (ended.code, ended.err) == (
        1,
        "tf: the proxy does not accept this gateway's token; run `tf init` to get a new one\n",
    )


def test_a_refused_token_of_the_environment_is_named(
    tf_process: Tf, proxy: FakeProxy, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_GATEWAY_TOKEN", "gwtk_wrong")
    proxy.refusals = [(407, {})]
    ended = tf_process("run", "--", "true")
    assert (ended.code, ended.err) == (1, "tf: the proxy does not accept TF_GATEWAY_TOKEN; correct or unset it\n")


def test_a_proxy_that_is_down_is_one_line_and_exit_3(
    tf_process: Tf, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TF_GATEWAY_TOKEN", "gwtk_x")
    ended = tf_process("run", "--", "true")
    assert ended.code == 3
    assert (
        ended.err == "tf: cannot reach the proxy at `http://127.0.0.1:1`; start it with `tf up`, or set GATEWAY_URL\n"
    )


@pytest.mark.parametrize("line", [b"nonsense\n", b"{}\n", b"[]\n"])
def test_an_answer_that_cannot_be_read(tf_process: Tf, proxy: FakeProxy, here: Path, line: bytes) -> None:
    proxy.line = line
    ended = tf_process("run", "--", "true")
    assert (ended.code, ended.err) == (
        1,
        "tf: the proxy's answer cannot be read; use the same version of `tf` and proxy\n",
    )


def test_a_proxy_that_goes_away_is_told_once(tf_process: Tf, proxy: FakeProxy, here: Path) -> None:
    proxy.cut.set()
    proxy.counts = None
    ended = tf_process("run", "--", "sh", "-c", "sleep 0.3")
    assert ended.err.count("the proxy is gone") == 1
    assert "see `tf logs`" in ended.err


def test_a_folder_from_elsewhere_is_not_trusted(tf_process: Tf, here: Path) -> None:
    here.chmod(0o755)
    ended = tf_process("run", "--", "true")
    assert ended.code == 2
    assert "is not private to you" in ended.err


def test_the_folder_is_found_from_below_and_by_name(
    tf_process: Tf, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = here.parent / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert tf_process("run", "--", "true").code == 0
    monkeypatch.chdir("/")
    assert tf_process("run", "--", "true").code == 2
    assert tf_process("run", "--project", str(here.parent), "--", "true").code == 0


@pytest.mark.parametrize("command", [("run", "--", "true"), ("doctor",)], ids=["run", "doctor"])
def test_the_projects_token_goes_to_the_projects_proxy_alone(
    tf_process: Tf, proxy: FakeProxy, here: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    with FakeProxy() as other:
        monkeypatch.setenv("GATEWAY_URL", other.url)
        ended = tf_process(*command)
        assert ended.code != 0
        assert f"whose token is for `{proxy.url}` alone" in ended.out + ended.err
        assert (other.authorizations, proxy.authorizations) == ([], [])
        monkeypatch.setenv("TF_GATEWAY_TOKEN", "gwtk_y")
        assert tf_process("run", "--quiet", "--", "true").code == 0
        assert other.authorizations == ["Basic " + base64.b64encode(b"gwtk_y:").decode()]
    monkeypatch.delenv("TF_GATEWAY_TOKEN")
    monkeypatch.setenv("GATEWAY_URL", f"{proxy.url}/")
    assert tf_process("run", "--quiet", "--", "true").code == 0


def test_nothing_set_up_is_exit_2(tf_process: Tf) -> None:
    ended = tf_process("run", "--", "true")
    assert (ended.code, ended.err) == (
        2,
        "tf: no gateway is set up here; run `tf init` in this directory, or set TF_GATEWAY_TOKEN\n",
    )


def test_a_mistyped_option_is_not_taken_for_the_command(tf_process: Tf) -> None:
    ended = tf_process("run", "--proejct", ".", "--", "true")
    assert ended.code == 2
    assert "--proejct" in ended.err


def test_the_environment_alone_is_enough(tf_process: Tf, proxy: FakeProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_GATEWAY_TOKEN", "gwtk_ci")
    monkeypatch.setenv("GATEWAY_URL", proxy.url)
    assert tf_process("run", "--", "true").code == 0


WARNING = "can read your log-in"


def log_in(token: str, *scopes: str) -> None:
    loginstore.write(loginstore.Login("http://127.0.0.1:1", token, "a@b.c", scopes))


def test_a_readable_log_in_is_warned_of_once_until_it_is_another(tf_process: Tf, here: Path) -> None:
    log_in("tfu_x", "read", "manage")
    assert WARNING not in tf_process("run", "--quiet", "--", "true").err
    first = tf_process("run", "--", "true").err
    assert first.count(WARNING) == 1
    assert len(first.splitlines()) == 2
    assert WARNING not in tf_process("run", "--", "true").err
    log_in("tfu_y", "read", "approve")
    assert WARNING in tf_process("run", "--", "true").err
    for path in loginstore.path().parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_in_that_may_only_read_is_not_warned_of(tf_process: Tf, here: Path) -> None:
    log_in("tfu_x", "read")
    assert WARNING not in tf_process("run", "--", "true").err


def test_another_project_is_warned_of_too(
    tf_process: Tf, proxy: FakeProxy, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in("tfu_x", "manage")
    assert WARNING in tf_process("run", "--", "true").err
    monkeypatch.setenv("TF_GATEWAY_TOKEN", "gwtk_ci")
    monkeypatch.setenv("GATEWAY_URL", proxy.url)
    monkeypatch.chdir("/")
    assert WARNING in tf_process("run", "--", "true").err
    assert WARNING not in tf_process("run", "--", "true").err


def test_a_real_key_in_the_environment_is_told(tf_process: Tf, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real-key")
    ended = tf_process("run", "--", sys.executable, "-c", DUMP)
    assert "sk-real-key" not in ended.out
    assert "OPENAI_API_KEY: your own key gave way to a placeholder" in ended.err


def test_project_files_are_private(here: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (here, *here.iterdir())}
    assert modes == {".tf": 0o700, ".gitignore": 0o600, "config.yaml": 0o600, "ca.pem": 0o600}
    assert here.stat().st_uid == os.geteuid()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc/<pid>/environ")
@pytest.mark.skipif(is_all_seeing(), reason="root's programs may look into every process here")
def test_the_command_cannot_read_its_parents_environment(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real-key-of-the-user")
    look = "import os; print(os.stat('/proc/self/environ').st_mode); open(f'/proc/{os.getppid()}/environ', 'rb').read()"
    command = [*unprivileged(), sys.executable, "-m", "tameflare", "run", "-q", "--", sys.executable, "-c", look]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.stdout, ended.stderr
    assert ended.returncode == 1
    assert "PermissionError" in ended.stderr
