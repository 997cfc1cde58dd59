"""The examples of docs/sdk.md, in their order, against a real server: each prints what stands beside it."""

from __future__ import annotations

import contextlib
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.control.asking import answers_carried_over
from tests.control.running import GATEWAYS, Running, running

from tameflare.core.roles import Role

PAGE = (Path(__file__).resolve().parents[2] / "docs/sdk.md").read_text()
EXAMPLES = re.findall(r"(?<!not run here: needs a proxy -->\n)```python\n(.*?)```", PAGE, re.DOTALL)
POLICY = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]


def promised(example: str) -> list[str]:
    """What stands behind `print(…)  #`, and in lines that are nothing but a comment."""
    return re.findall(r"^(?:.*print\(.*\)  )?# (.*)$", example, re.MULTILINE)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with running(tmp_path) as server:
        owner = server.owner()
        owner.post(GATEWAYS, json={"name": "mailing", "policy_only": True})
        saved = owner.put("/api/dashboard/policies/mail", json={"source": POLICY})
        assert saved.status_code < 300, saved.text
        owner.post(f"{GATEWAYS}/mailing/agents", json={"name": "mailer"})
        key = owner.post(f"{GATEWAYS}/mailing/agents/mailer/keys", json={}).json()["key"]
        monkeypatch.setenv("TF_SERVER_URL", server.url)
        monkeypatch.setenv("TF_AGENT_KEY", key)
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        with answers_carried_over(server), approving(server.person(Role.ADMIN)):
            yield server


@contextlib.contextmanager
def approving(person: httpx.Client) -> Iterator[None]:
    """Somebody who agrees to whatever is asked."""
    over = threading.Event()

    def agree() -> None:
        revision = 0
        while not over.is_set():
            news = person.get("/api/dashboard/approvals/changes", params={"after": revision, "wait": 0.2}).json()
            revision = news["revision"]
            for one in news["approvals"]:
                if one["status"] == "pending":
                    person.post(f"/api/dashboard/approvals/{one['id']}/votes", json={"vote": "approve"})

    thread = threading.Thread(target=agree)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 7
    assert all(promised(example) for example in EXAMPLES)


def test_the_examples_print_what_stands_beside_them(server: Running) -> None:
    names: dict[str, object] = {"__name__": "example"}
    for example in EXAMPLES:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example, "docs/sdk.md", "exec"), names)
        lines = [line for line in printed.getvalue().splitlines() if "[info " not in line and "[warning " not in line]
        assert lines == promised(example), example
    names["client"].close()  # type: ignore[attr-defined]
