"""Where isolation cannot be had: one line with cause and mend, and never a run without it unless asked."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from tests.isolate.conftest import Isolated

from tameflare.isolate import kernel, obstacles


def told(step: str, number: int, place: str = "") -> str:
    return str(obstacles.explain({"fault": step, "errno": number, "place": place}))


@pytest.mark.parametrize(
    ("name", "value", "cause", "mend"),
    [
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone is 0", "sudo sysctl -w"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces is 0", "sudo sysctl -w"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor allows", "AppArmor profile"),
    ],
)
def test_settings_of_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, cause: str, mend: str
) -> None:
    place = tmp_path / name
    place.parent.mkdir()
    place.write_text(value + "\n")
    monkeypatch.setattr(obstacles, "_SETTINGS", tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    sentence = told("unshare", errno.EPERM)
    assert cause in sentence
    assert mend in sentence


@pytest.mark.parametrize(
    ("step", "number", "sentence"),
    [
        ("mounts", errno.ENOSYS, "this kernel is too old for isolation; use Linux 5.12 or newer"),
        ("directory", errno.ENOENT, "the working directory `/x` is hidden by isolation; start from another directory"),
        ("network", errno.EADDRINUSE, "isolation could not be set up: network at `/x`: Address already in use"),
    ],
)
def test_other_faults(step: str, number: int, sentence: str) -> None:
    assert told(step, number, "/x").startswith(sentence)


def test_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "machine", lambda: "riscv64")
    with pytest.raises(obstacles.CannotIsolate, match="isolation knows no riscv64"):
        obstacles.check_platform()
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(obstacles.CannotIsolate, match="isolation needs Linux, this is darwin"):
        obstacles.check_platform()


def forbidden(anybody: Isolated, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A run in a user namespace in which no further ones may be made."""
    words = anybody.words("-q", *options, "--", "sh", "-c", "echo ran")
    cut = words.index(anybody.python)
    setting = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    command = [*words[:cut], "unshare", "--user", "--map-root-user", "sh", "-c", setting, "sh", *words[cut:]]
    return subprocess.run(
        command, env=anybody.environment(**env), cwd=anybody.project, capture_output=True, text=True, check=False
    )


CAUSE = "user.max_user_namespaces is 0: nobody may make user namespaces"


@pytest.mark.parametrize(("options", "env"), [(["--isolate"], {}), ([], {"TF_ISOLATE": "required"})])
def test_a_run_that_must_be_isolated_does_not_run(anybody: Isolated, options: list[str], env: dict[str, Any]) -> None:
    done = forbidden(anybody, *options, **env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"tf: {CAUSE}; run `sudo sysctl")


@pytest.mark.parametrize(("options", "env"), [(["--isolate-if-possible"], {}), ([], {"TF_ISOLATE": "if-possible"})])
def test_a_run_that_need_not_be_isolated_says_so_loudly(
    anybody: Isolated, options: list[str], env: dict[str, Any]
) -> None:
    done = forbidden(anybody, *options, **env)
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert done.stderr.startswith(f"tameflare: WARNING: NOT ISOLATED: {CAUSE}")


def test_where_it_can_be_had_if_possible_means_isolated(anybody: Isolated) -> None:
    words = anybody.words("-q", "--isolate-if-possible", "--", "sh", "-c", "ls -A .tf")
    done = subprocess.run(words, env=anybody.environment(), cwd=anybody.project, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_inside_there_is_no_second_one(isolated: Isolated) -> None:
    inner = f"{isolated.python} -m tameflare run --isolate -- echo ran"
    library = str(Path(click.__file__).parents[1])
    ended = isolated.shell(
        f"TF_GATEWAY_TOKEN=x GATEWAY_URL={isolated.proxy.url} {inner}", options=["-q", "--show", library]
    )
    assert "ran" not in ended.out
    assert "a seccomp filter keeps this process from making namespaces" in ended.err


def test_hosts_without_a_proxy_cannot_be_had(anybody: Isolated) -> None:
    ended = anybody.run("true", options=["--no-proxy", "registry.internal"])
    sentence = "tf: `registry.internal` cannot be reached directly from an isolated command; leave out --no-proxy"
    assert (ended.code, ended.err.startswith(sentence)) == (2, True)


def test_options_of_isolation_want_isolation(anybody: Isolated) -> None:
    words = anybody.words("--hide", "/etc", "--", "true")
    done = subprocess.run(words, env=anybody.environment(), cwd=anybody.project, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "tf: --hide, --read-only and --show need isolation; add --isolate\n")
