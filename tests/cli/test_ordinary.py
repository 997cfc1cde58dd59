"""What of the user's files is read into a run: ordinary ones, of bounded size, that lead to nothing hidden."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Ended
from tests.cli.doubles import FakeProxy

from tameflare.cli import project
from tameflare.cli.ordinary import Reader
from tameflare.cli.project import Project
from tameflare.core.secret import Secret

MOST = 100


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    folder = tmp_path / "hidden"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "secret").write_text("canary")
    return folder


def test_an_ordinary_file_is_read(hidden: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x" * MOST)
    (tmp_path / "link").symlink_to("mine")
    reader = Reader([str(hidden)])
    assert reader.text(tmp_path / "link", MOST) == "x" * MOST
    assert (reader.text(tmp_path / "missing", MOST), reader.remarks) == ("", [])


@pytest.mark.parametrize("kind", ["link", "linked folder", "hard link", "deleted", "process", "fifo", "folder", "huge"])
def test_anything_else_is_left_out_and_the_user_told(hidden: Path, tmp_path: Path, kind: str) -> None:
    secret, place = hidden / "below" / "secret", tmp_path / "wgetrc"
    covered = [str(hidden)]
    match kind:
        case "link":
            place.symlink_to(secret)
        case "linked folder":
            (tmp_path / "folder").symlink_to(hidden / "below")
            place = tmp_path / "folder" / "secret"
        case "hard link":
            place.hardlink_to(secret)
            covered = [str(secret)]
        case "deleted":
            descriptor = os.open(secret, os.O_RDONLY)
            secret.unlink()
            place.symlink_to(f"/proc/self/fd/{descriptor}")
        case "process":
            place.symlink_to("/proc/self/environ")
        case "fifo":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "huge":
            with place.open("wb") as file:
                file.truncate(1 << 40)
    reader = Reader(covered)
    assert reader.text(place, MOST) == ""
    assert [str(place) in remark for remark in reader.remarks] == [True]
    if kind == "deleted":
        os.close(descriptor)


def test_a_private_place_must_be_named_by_the_user(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    (private / "file").write_text("text")
    (tmp_path / "link").symlink_to(private / "file")
    assert Reader([], [str(private)]).text(private / "file", MOST) == "text"
    assert Reader([], [str(private)]).text(tmp_path / "link", MOST) == ""
    assert Reader([], [str(private)], [str(private)]).text(tmp_path / "link", MOST) == "text"


@pytest.mark.parametrize("name", ["HOME", "WGETRC", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"])
def test_a_run_that_is_not_isolated_is_handed_no_token_either(
    tf_process: Callable[..., Ended], proxy: FakeProxy, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    project.save(Path.cwd() / ".tf", Project(None, "http://127.0.0.1:1", proxy.url, "g", Secret("gwtk_canary")), "")
    place = home / ".wgetrc"
    place.symlink_to(Path.cwd() / ".tf" / "config.yaml")
    if name != "HOME":
        monkeypatch.setenv(name, str(place))
    ended = tf_process("run", "--", "sh", "-c", 'cat "$WGETRC" "$SSL_CERT_FILE"')
    assert ended.code == 0
    assert "ca_certificate" in ended.out
    assert "BEGIN CERTIFICATE" in ended.out
    assert "gwtk_canary" not in ended.out
    assert f"`{place}` is left out of this run: it leads to what the command must not see" in ended.err
