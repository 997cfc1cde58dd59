"""A `.tf` folder that this user did not set up here leads nobody's traffic anywhere."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Ended
from tests.cli.doubles import FakeProxy

from tameflare.cli import project, trust
from tameflare.cli.project import Project
from tameflare.core.secret import Secret

Tf = Callable[..., Ended]


@pytest.fixture
def foreign(proxy: FakeProxy) -> Path:
    """A folder as somebody else's `tf init` wrote it, out of an archive: private, and the user's own."""
    folder = Path.cwd() / ".tf"
    project.save(folder, Project(folder, "http://127.0.0.1:1", proxy.url, "theirs", Secret("gwtk_theirs")), "")
    trust.path().unlink()
    return folder


def test_a_folder_from_elsewhere_is_refused_in_one_line(tf_process: Tf, proxy: FakeProxy, foreign: Path) -> None:
    ended = tf_process("run", "--", "true")
    assert ended.code == 2
    assert ended.err == (
        f"tf: `{foreign}` was not set up by you on this machine; "
        "look at its config.yaml, then run `tf trust`, or `tf init` to set it up anew\n"
    )
    assert proxy.authorizations == []


def test_it_is_trusted_by_an_explicit_command_until_it_changes(tf_process: Tf, proxy: FakeProxy, foreign: Path) -> None:
    ended = tf_process("trust")
    assert (ended.code, f"is trusted: gateway `theirs` by {proxy.url}" in ended.err) == (0, True)
    assert tf_process("run", "--", "true").code == 0
    config = foreign / "config.yaml"
    config.write_text(config.read_text().replace("theirs", "others"))
    assert "has changed since you trusted it" in tf_process("run", "--", "true").err
    assert json.loads(tf_process("trust", "--json").out)["gateway"] == "others"
    assert tf_process("run", "--", "true").code == 0


def test_trust_is_taken_back(tf: Tf, foreign: Path) -> None:
    assert tf("trust").code == 0
    assert "no longer trusted" in tf("trust", "--remove").err
    assert "was not trusted" in tf("trust", "--remove").err
    assert tf("run", "--", "true").code == 2


def test_a_copy_in_another_place_is_another_folder(tf_process: Tf, foreign: Path, tmp_path: Path) -> None:
    assert tf_process("trust").code == 0
    shutil.copytree(foreign, tmp_path / "copy" / ".tf", copy_function=shutil.copy2)
    (tmp_path / "copy" / ".tf").chmod(0o700)
    ended = tf_process("run", "--project", str(tmp_path / "copy"), "--", "true")
    assert (ended.code, "was not set up by you" in ended.err) == (2, True)
    assert tf_process("trust", "--project", str(tmp_path / "copy")).code == 0
    assert tf_process("run", "--project", str(tmp_path / "copy"), "--", "true").code == 0


def test_no_command_takes_gateway_or_server_from_it(tf: Tf, foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_TOKEN", "tfu_mine")
    for arguments in (("agents", "list"), ("connector", "list"), ("permissions", "list")):
        ended = tf(*arguments)
        assert (ended.code, "was not set up by you" in ended.err) == (2, True)
    monkeypatch.delenv("TF_TOKEN")
    assert "not logged in at `http://127.0.0.1:3000`" in tf("agents", "list", "--gateway", "mine").err


def test_doctor_tells_it_once(tf: Tf, foreign: Path) -> None:
    findings = json.loads(tf("doctor", "--json").out)["findings"]
    told = [finding for finding in findings if "was not set up by you" in finding["finding"]]
    assert [(finding["check"], finding["level"]) for finding in told] == [("project", "red")]


def test_the_environment_stands_in_for_it(
    tf_process: Tf, proxy: FakeProxy, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both together; a token alone must not go to the folder's proxy."""
    monkeypatch.setenv("TF_GATEWAY_TOKEN", "gwtk_ci")
    assert tf_process("run", "--", "true").code == 2
    monkeypatch.setenv("GATEWAY_URL", proxy.url)
    assert tf_process("run", "--", "true").code == 0


def test_a_list_that_others_may_write_is_not_believed(tf: Tf, foreign: Path) -> None:
    assert tf("trust").code == 0
    trust.path().chmod(0o666)
    ended = tf("run", "--", "true")
    assert (ended.code, "may be written by others" in ended.err) == (1, True)
    trust.path().write_text("[]")
    assert "is not a list of trusted folders" in tf("run", "--", "true").err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_never_trusted(tf: Tf, foreign: Path) -> None:
    os.chown(foreign, 65534, 65534)
    for arguments in (("trust",), ("run", "--", "true"), ("init",)):
        ended = tf(*arguments)
        assert (ended.code, "is not private to you" in ended.err) == (2, True)
    assert not trust.path().exists()


def test_without_a_folder_there_is_nothing_to_trust(tf: Tf) -> None:
    ended = tf("trust")
    assert (ended.code, ended.err) == (2, "tf: there is no `.tf` folder here; run `tf init`\n")
    (Path.cwd() / ".tf").mkdir(mode=0o700)
    assert "has no config.yaml; run `tf init`" in tf("trust").err
