"""git over HTTPS, unchanged, whose push waits for people."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.asking import Asking, Shown, asking
from tests.support.doubles import Vendors

from tameflare.demo.product import wait_until

URL = "https://github.com/acme/site.git"
PUSH = "github.repo.push"
WHO = ("-c", "user.name=t", "-c", "user.email=t@example.com")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Iterator[Asking]:
    with asking(tmp_path_factory.mktemp("asking"), vendors) as running:
        yield running


@pytest.fixture
def clone(asked: Asking, tmp_path: Path) -> Path:
    """A clone with a commit of its own."""
    target = tmp_path / "site"
    done(asked.program("git", "clone", "--quiet", URL, str(target)))
    done(asked.program("git", *WHO, "-C", str(target), "commit", "--quiet", "--allow-empty", "-m", tmp_path.name))
    return target


def done(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def push(asked: Asking, clone: Path) -> subprocess.Popen[str]:
    return asked.program("git", "-C", str(clone), "push", "origin", f"HEAD:{clone.parent.name}")


def sent(asked: Asking) -> int:
    """How many pushes have reached the vendor; a trial, which pushes nothing, is none."""
    found = [seen for seen in asked.vendors.ledger.entries("github.com") if seen.path.endswith("/git-receive-pack")]
    return sum(seen.headers.get("content-length") != "4" for seen in found)


def asks(asked: Asking, method: str = "POST") -> Shown:
    """The pending approval of this part of a push."""
    found: list[Shown] = []

    def look() -> bool:
        found[:] = [one for one in asked.approvals() if (one["actions"][0]["type"], one["method"]) == (PUSH, method)]
        return bool(found)

    wait_until(look, f"an approval of the {method} of a push", 30)
    return found[0]


def refused(pushing: subprocess.Popen[str]) -> str:
    """What git says of a push that failed."""
    _, err = pushing.communicate(timeout=60)
    assert pushing.returncode not in {0, None}
    return err


def test_a_push_waits_and_lands(asked: Asking, clone: Path, tmp_path: Path) -> None:
    before = sent(asked)
    pushing = push(asked, clone)
    shown = asks(asked)
    head = done(asked.program("git", "-C", str(clone), "rev-parse", "HEAD")).strip()
    assert shown["actions"][0]["parameters"]["ref"] == f"refs/heads/{clone.parent.name}"
    assert shown["actions"][0]["parameters"]["create"] == head
    assert "objects that are pushed are not shown" in shown["unshown"]
    assert sent(asked) == before
    asked.vote(shown["id"])
    done(pushing)
    assert sent(asked) == before + 1
    asked.becomes(shown["id"], "executed")
    listed = done(asked.program("git", "ls-remote", URL, clone.parent.name))
    assert listed.split()[0] == head


def test_a_push_that_git_sends_in_pieces_is_asked_about_once(asked: Asking, clone: Path) -> None:
    """Of more than a megabyte git first pushes nothing, as a trial."""
    (clone / "large").write_bytes(os.urandom(2 << 20))
    done(asked.program("git", "-C", str(clone), "add", "large"))
    done(asked.program("git", *WHO, "-C", str(clone), "commit", "--quiet", "-m", "large"))
    before = len(asked.approvals("all"))
    pushing = push(asked, clone)
    shown = asks(asked)
    assert shown["body_size"] > 2 << 20
    asked.vote(shown["id"])
    done(pushing)
    assert len(asked.approvals("all")) == before + 1


def test_with_the_run_remembered_the_next_push_is_not_asked_about(asked: Asking, clone: Path) -> None:
    before, at = sent(asked), f"git -C {clone} push origin HEAD:{clone.parent.name}"
    pushing = asked.program("sh", "-c", f"{at}-1 && {at}-2")
    asked.vote(asks(asked)["id"], remember="run")
    done(pushing)
    assert sent(asked) == before + 2
    assert asked.approvals() == []


def test_a_push_that_is_denied_says_why(asked: Asking, clone: Path) -> None:
    before = sent(asked)
    pushing = push(asked, clone)
    asked.vote(asks(asked)["id"], "deny", reason="not on a Friday")
    err = refused(pushing)
    assert "remote: TameFlare: not on a Friday" in err
    assert "remote: code: approval_denied" in err
    assert f"! [remote rejected] HEAD -> {clone.parent.name} (TameFlare: not on a Friday)" in err
    assert "403" not in err
    assert sent(asked) == before
    assert asked.approvals() == []


def test_where_fetching_is_not_allowed_the_question_before_a_push_is_asked_about(asked: Asking, clone: Path) -> None:
    before = sent(asked)
    asked.rule("github.repo.fetch", "require_approval")
    try:
        asked.product.wait_for_configuration()
        pushing = push(asked, clone)
        asked.vote(asks(asked, "GET")["id"])
        asked.vote(asks(asked)["id"])
        done(pushing)
        assert sent(asked) == before + 1
        pushing = push(asked, clone)
        asked.vote(asks(asked, "GET")["id"], "deny", reason="not on a Friday")
        assert "remote: TameFlare: not on a Friday" in refused(pushing)
    finally:
        asked.rule("github.repo.fetch", "allow")
        asked.product.wait_for_configuration()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Iterator[Asking]:
    """Connections wait two seconds, and a body of more than 64 kB not at all."""
    settings = {"TF_APPROVAL_TIMEOUT": "4", "TF_MAX_HELD_BODY": str(64 << 10)}
    with asking(tmp_path_factory.mktemp("hasty"), vendors, **settings) as running:
        yield running


def test_a_push_that_nobody_answers_says_so(hasty: Asking, clone: Path) -> None:
    before = sent(hasty)
    err = refused(push(hasty, clone))
    assert "remote: TameFlare: nobody answered while the connection waited" in err
    assert "remote: code: approval_timeout" in err
    assert "! [remote rejected]" in err
    assert sent(hasty) == before


def test_a_push_that_is_too_large_to_wait_says_so(hasty: Asking, clone: Path) -> None:
    (clone / "large").write_bytes(os.urandom(2 << 20))
    done(hasty.program("git", "-C", str(clone), "add", "large"))
    done(hasty.program("git", *WHO, "-C", str(clone), "commit", "--quiet", "-m", "large"))
    before = sent(hasty), len(hasty.approvals("all"))
    err = refused(push(hasty, clone))
    assert "remote: TameFlare: the body is over 65536 bytes and would have to wait for people" in err
    assert (sent(hasty), len(hasty.approvals("all"))) == before


ASK_FOR_ONE = """
name: ask-for-one
rules:
  - name: guarded
    conditions: {field: parameters.ref, operator: equals, value: refs/heads/guarded}
    decision: requires_approval
"""


def test_a_policy_asks_for_one_ref_alone(asked: Asking, clone: Path) -> None:
    """A push to another ref streams; of one to that the beginning is read, and then the rest is kept as well."""
    asked.rule(PUSH, "allow")
    asked.product.api("PUT", "/api/dashboard/policies/ask-for-one", {"source": ASK_FOR_ONE})
    asked.product.wait_for_configuration()
    try:
        done(push(asked, clone))
        before = sent(asked)
        pushing = asked.program("git", "-C", str(clone), "push", "origin", "HEAD:guarded")
        shown = asks(asked)
        assert (shown["actions"][0]["parameters"]["ref"], sent(asked)) == ("refs/heads/guarded", before)
        asked.vote(shown["id"])
        done(pushing)
        assert sent(asked) == before + 1
    finally:
        asked.rule(PUSH, "require_approval")
        asked.product.api("DELETE", "/api/dashboard/policies/ask-for-one")
        asked.product.wait_for_configuration()
