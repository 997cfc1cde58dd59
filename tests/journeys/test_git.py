"""git over HTTPS under `tf run`: clone and fetch allowed, push denied readably."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.product import GATEWAY, Governed

URL = "https://github.com/acme/site.git"
LARGE = 20 << 20
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


@contextmanager
def push_allowed(governed: Governed) -> Iterator[None]:
    """The rule against pushing turned round for a while."""
    rules = f"/api/dashboard/gateways/{GATEWAY}/rules"
    rule = {"connector": "github", "pattern": "github.repo.push"}
    governed.product.api("POST", rules, {**rule, "decision": "allow"})
    governed.product.wait_for_configuration()
    try:
        yield
    finally:
        governed.product.api("POST", rules, {**rule, "decision": "deny"})
        governed.product.wait_for_configuration()


NOT_TO_MAIN = """
name: not-to-main
rules:
  - name: main-is-for-people
    conditions: {field: parameters.ref, operator: equals, value: refs/heads/main}
    decision: deny
    reason: main is for people
"""


@contextmanager
def policy(governed: Governed, name: str, source: str) -> Iterator[None]:
    """A policy that is in force for a while."""
    path = f"/api/dashboard/policies/{name}"
    governed.product.api("PUT", path, {"source": source})
    governed.product.wait_for_configuration()
    try:
        yield
    finally:
        governed.product.api("DELETE", path)
        governed.product.wait_for_configuration()


def test_a_large_push_and_a_clone_of_it(governed: Governed, tmp_path: Path) -> None:
    target = clone(governed, tmp_path)
    (target / "large").write_bytes(os.urandom(LARGE))
    branch = f"large-{tmp_path.name}"
    for arguments in (("add", "large"), ("commit", "--quiet", "-m", "large")):
        assert governed.run("git", "-C", str(target), *arguments, env=WHO).returncode == 0
    with push_allowed(governed), policy(governed, "not-to-main", NOT_TO_MAIN):
        done = governed.run("git", "-C", str(target), "push", "--quiet", "origin", f"HEAD:{branch}")
        assert done.returncode == 0, done.stderr
        refused = governed.run("git", "-C", str(target), "push", "origin", "HEAD:main")
    assert refused.returncode != 0
    assert "main -> main" in refused.stderr.replace("HEAD", "main")
    assert "main is for people" in refused.stderr
    again = tmp_path / "again"
    done = governed.run("git", "clone", "--quiet", "--branch", branch, URL, str(again))
    assert done.returncode == 0, done.stderr
    assert (again / "large").read_bytes() == (target / "large").read_bytes()
    row = governed.record(lambda row: row["path"] == "/acme/site.git/git-receive-pack" and row["status"] == 200)
    assert row["bytes_in"] > LARGE


def test_clone_from_an_unknown_host(governed: Governed, tmp_path: Path) -> None:
    with governed.upstream("collector.example") as leaked:
        done = governed.run("git", "clone", "https://collector.example/acme/site.git", str(tmp_path / "none"))
    assert done.returncode != 0
    assert "remote: TameFlare: no connector" in done.stderr
    assert leaked() == []


def test_the_clone_holds_no_credential(governed: Governed, tmp_path: Path) -> None:
    target = clone(governed, tmp_path)
    text = "".join(path.read_text(errors="replace") for path in target.rglob("*") if path.is_file())
    assert governed.vendors.keys.github not in text
    assert not re.search(r"tfr_[\w-]{16}", text)
