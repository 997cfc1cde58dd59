"""What tries amount to, and what is worth telling."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tameflare.cli import escape, escape_verdict
from tameflare.cli.escape_services import known_services
from tameflare.cli.escape_targets import Lookout
from tameflare.cli.escape_verdict import Row, Word, judge
from tameflare.core.errors import TameFlareError
from tameflare.isolate.probes.base import Came, Facts, Probe, Process, Promise, Secret, Try, digest
from tameflare.isolate.probes.secrets import look, spellings
from tameflare.isolate.probes.table import PROBES

WAY = "somewhere"


def verdict(promise: Promise, came: Came, *, arrived: bool = False, isolated: bool = True) -> Row:
    probe = Probe("probe", "area", "what it tries", promise, "the mend", lambda _: [])
    return judge(probe, [Try(WAY, came, "told")], {"probe"} if arrived else set(), isolated)


@pytest.mark.parametrize(
    ("came", "arrived", "word"),
    [
        (Came.SENT, True, Word.OPEN),
        (Came.SENT, False, Word.CLOSED),
        (Came.BLOCKED, True, Word.OPEN),
        (Came.BLOCKED, False, Word.CLOSED),
        (Came.DONE, False, Word.OPEN),
        (Came.ABSENT, False, Word.NOT_APPLICABLE),
        (Came.FAILED, False, Word.FAILED),
    ],
)
def test_what_arrived_counts_and_what_was_merely_sent_does_not(came: Came, arrived: bool, word: Word) -> None:
    row = verdict(Promise.ISOLATION, came, arrived=arrived)
    assert row.word is word
    assert row.is_wrong == (word in {Word.OPEN, Word.FAILED})


@pytest.mark.parametrize(
    ("promise", "isolated", "wrong"),
    [
        (Promise.ALWAYS, False, True),
        (Promise.UNPRIVILEGED, False, True),
        (Promise.RIGHTS, False, False),
        (Promise.ISOLATION, False, False),
        (Promise.NEVER, False, False),
        (Promise.NEVER, True, False),
        *((promise, True, True) for promise in Promise if promise is not Promise.NEVER),
    ],
)
def test_open_is_wrong_where_the_run_promises_otherwise(
    promise: Promise, isolated: bool, wrong: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escape_verdict, "capabilities", lambda: 0)
    row = verdict(promise, Came.DONE, isolated=isolated)
    assert row.is_wrong is wrong
    assert row.word is (Word.BY_DESIGN if promise is Promise.NEVER else Word.OPEN)


def test_root_under_a_plain_run_is_promised_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escape_verdict, "capabilities", lambda: 1 << 19)
    assert not verdict(Promise.UNPRIVILEGED, Came.DONE, isolated=False).is_wrong
    assert verdict(Promise.ALWAYS, Came.DONE, isolated=False).is_wrong


def test_people_read_what_came_of_it_and_what_closes_it(capsys: pytest.CaptureFixture[str]) -> None:
    by_name = {probe.name: probe for probe in PROBES}
    opened = [Try("127.0.0.1", Came.DONE)]
    rows = [judge(by_name[name], opened, set(), isolated=False) for name in ("tcp-ipv4", "through-the-proxy")]
    escape.print_rows(rows, isolated=False)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[1].startswith("open")
    assert lines[1].endswith("127.0.0.1; `tf run --isolate` closes it")
    assert lines[-2] == "tried under `tf run`: 0 closed, 2 open, 0 open by design, 0 not applicable, 0 failed"
    assert lines[-1] == "should be closed and is not: through-the-proxy"


def test_a_probe_without_an_answer_is_a_failure() -> None:
    assert judge(PROBES[0], None, set(), isolated=True).word is Word.FAILED


def test_many_ways_are_told_in_few_words() -> None:
    ways = [Try(f"way {number}", Came.BLOCKED, "refused") for number in range(9)]
    assert judge(PROBES[0], ways, set(), isolated=True).sentence == "way 0, way 1, way 2 and 6 more: refused"


def failing(_: Facts) -> list[Try]:
    raise TameFlareError("no")


def dying(_: Facts) -> list[Try]:
    os._exit(1)


BREAKING = """
import json
from tests.isolate.test_escape_verdicts import dying, failing
from tameflare.isolate.probes.__main__ import run_all
from tameflare.isolate.probes.base import Came, Facts, Probe, Promise, Try

runs = {"failing": failing, "dying": dying, "sound": lambda _: [Try("a way", Came.DONE)]}
probes = [Probe(name, "area", "", Promise.NEVER, "", run) for name, run in runs.items()]
print(json.dumps({name: tries[0].came for name, tries in run_all(Facts("n"), probes)}))
"""


def test_a_probe_that_breaks_breaks_only_itself() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", BREAKING], capture_output=True, text=True, cwd=root)
    assert json.loads(done.stdout) == {"failing": "failed", "dying": "failed", "sound": "done"}, done.stderr


def test_facts_survive_the_way_inside() -> None:
    secret = Secret("log-in", "/a", 1, 2, "digest", "1:00")
    facts = Facts("n", tcp=[("a", "127.0.0.1", 1)], ours=[Process("proxy", 1, 2)], secrets=[secret])
    assert Facts.load(facts.dump()) == facts


def secret_at(path: Path, nonce: str) -> Secret:
    found = path.stat()
    return Secret("log-in", str(path), found.st_dev, found.st_ino, digest(nonce, path.read_bytes()))


def test_a_secret_is_known_by_what_it_is_under_every_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "folder" / "secret"
    place.parent.mkdir()
    place.write_text("canary")
    secret = secret_at(place, "n")
    found = {name: look(Facts("n"), secret, path) for name, path in spellings(str(place))}
    assert set(found.values()) == {""}
    assert len(found) >= 8
    assert {name: look(Facts("n"), secret, path) for name, path in spellings(str(tmp_path / "folder"))}["plain"] != ""


def test_what_stands_in_for_a_secret_is_not_taken_for_it(tmp_path: Path) -> None:
    place = tmp_path / "secret"
    place.write_text("canary")
    secret = secret_at(place, "n")
    place.rename(tmp_path / "moved")
    for content in ("", "something else"):
        place.write_text(content)
        assert look(Facts("n"), secret, str(place)) == "something else is there"
    place.unlink()
    assert look(Facts("n"), secret, str(place)) == "No such file or directory"
    (tmp_path / "copy").write_text("canary")
    assert look(Facts("n"), secret, str(tmp_path / "copy")) == ""


def test_the_lookout_knows_only_its_own_marks() -> None:
    lookout = Lookout("mine")
    lookout.note(Facts("mine").mark("udp") + Facts("other").mark("tcp-ipv4"))
    assert lookout.arrived == {"udp"}
    lookout.close()


def test_services_that_listen_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("agent")
        listener.listen()
        assert ("ssh-agent", str(tmp_path / "agent")) in list(known_services())
    assert ("ssh-agent", str(tmp_path / "agent")) not in list(known_services())


def test_every_probe_has_a_name_of_its_own_and_says_what_mends_it() -> None:
    assert len({probe.name for probe in PROBES}) == len(PROBES)
    assert all(probe.tries and probe.mend for probe in PROBES)
