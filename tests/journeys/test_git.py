"""git over HTTPS under `tf run`: clone and fetch allowed, push denied readably."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.product import Governed

URL = "https://github.com/acme/site.git"
WHO = {f"GIT_{role}_{part}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


def clone(governed: Governed, tmp_path: Path) -> Path:
    target = tmp_path / "site"
    done = governed.run("git", "clone", "--quiet", URL, str(target))
    assert done.returncode == 0, done.stderr
    return target


def test_clone(governed: Governed, tmp_path: Path) -> None:
    target = clone(governed, tmp_path)
    log = governed.run("git", "-C", str(target), "log", "--format=%s")
    assert log.stdout == "first\n"
    row = governed.record(lambda row: row["path"] == "/acme/site.git/git-upload-pack")
    assert (row["decision"], row["status"]) == ("allow", 200)


def test_push_is_denied(governed: Governed, tmp_path: Path) -> None:
    target = clone(governed, tmp_path)
    governed.run("git", "-C", str(target), "commit", "--quiet", "--allow-empty", "-m", "second", env=WHO)
    with governed.upstream("github.com") as reached:
        done = governed.run("git", "-C", str(target), "push", "origin", "HEAD:main")
    assert done.returncode != 0
    assert "TameFlare" in done.stderr
    assert "github.repo.push" in done.stderr
    assert not [line for line in reached() if line.endswith("git-receive-pack")]
    shutil.rmtree(target)


def test_the_clone_holds_no_credential(governed: Governed, tmp_path: Path) -> None:
    target = clone(governed, tmp_path)
    text = "".join(path.read_text(errors="replace") for path in target.rglob("*") if path.is_file())
    assert governed.vendors.keys.github not in text
    assert "tfr_" not in text
