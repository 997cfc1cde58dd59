"""git over HTTPS, unchanged, whose push waits for people: it asks what is there, then sends; each is asked about."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.asking import Asking, asking
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
    """How many pushes have reached the vendor."""
    return sum(seen.path.endswith("/git-receive-pack") for seen in asked.vendors.ledger.entries("github.com"))


def asks(asked: Asking, method: str) -> str:
    """The id of the pending approval of this part of a push."""
    found: list[str] = []

    def look() -> bool:
        found[:] = [
            one["id"] for one in asked.approvals() if (one["actions"][0]["type"], one["method"]) == (PUSH, method)
        ]
        return bool(found)

    wait_until(look, f"an approval of the {method} of a push", 30)
    return found[0]


def test_a_push_waits_and_lands(asked: Asking, clone: Path, tmp_path: Path) -> None:
    before = sent(asked)
    pushing = push(asked, clone)
    asked.vote(asks(asked, "GET"))
    body = asks(asked, "POST")
    assert sent(asked) == before
    asked.vote(body)
    done(pushing)
    assert sent(asked) == before + 1
    asked.becomes(body, "executed")
    listed = done(asked.program("git", "ls-remote", URL, clone.parent.name))
    assert listed.split()[0] == done(asked.program("git", "-C", str(clone), "rev-parse", "HEAD")).strip()


def test_with_the_run_remembered_people_are_asked_once(asked: Asking, clone: Path) -> None:
    before = sent(asked)
    pushing = push(asked, clone)
    asked.vote(asks(asked, "GET"), remember="run")
    done(pushing)
    assert sent(asked) == before + 1
    assert asked.approvals() == []


def test_a_push_that_is_denied_says_why(asked: Asking, clone: Path) -> None:
    before = sent(asked)
    pushing = push(asked, clone)
    asked.vote(asks(asked, "GET"), "deny", reason="not on a Friday")
    _, err = pushing.communicate(timeout=60)
    assert pushing.returncode != 0
    assert "remote: TameFlare: not on a Friday" in err
    assert "remote: code: approval_denied" in err
    assert sent(asked) == before
    assert asked.approvals() == []


def test_what_is_sent_and_denied_does_not_land(asked: Asking, clone: Path) -> None:
    before = sent(asked)
    pushing = push(asked, clone)
    asked.vote(asks(asked, "GET"))
    asked.vote(asks(asked, "POST"), "deny", reason="not on a Friday")
    _, err = pushing.communicate(timeout=60)
    assert pushing.returncode != 0
    assert "The requested URL returned error: 403" in err  # git reads no text here
    assert sent(asked) == before
    assert asked.approvals() == []
