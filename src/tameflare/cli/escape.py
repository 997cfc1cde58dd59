"""`tf doctor --escape`: starts a program as `tf run` would, and lets it try every way out that we know of."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tameflare.cli import escape_facts, escape_run, escape_services, escape_targets, escape_things, project
from tameflare.cli.errors import Exit
from tameflare.cli.escape_targets import Lookout
from tameflare.cli.escape_verdict import Row, Word, judge
from tameflare.cli.isolating import available
from tameflare.cli.output import note, print_json, say, table
from tameflare.core.errors import TameFlareError
from tameflare.isolate.probes.base import Facts
from tameflare.isolate.probes.table import PROBES
from tameflare.process import close_to_debuggers
from tameflare.settings import Settings


def escape(isolate: bool | None, offline: bool, as_json: bool) -> int:
    """Try, print, and say by the exit code whether anything is open that this kind of run should close."""
    if not sys.platform.startswith("linux"):
        raise TameFlareError("the ways out are those of Linux", "run `tf doctor --escape` there")
    close_to_debuggers()  # like `tf run` itself; the program inside tries us too
    here = project.require(Settings())
    isolated = _choose(isolate)
    rows = attempt_all(here, isolated, offline)
    if as_json:
        print_json({"isolated": isolated, "ok": is_tight(rows), "probes": [row.as_dict() for row in rows]})
    else:
        print_rows(rows, isolated)
    return Exit.OK if is_tight(rows) else Exit.FAILED


def is_tight(rows: Sequence[Row]) -> bool:
    return not any(row.is_wrong for row in rows)


def _choose(isolate: bool | None) -> bool:
    """As asked; else with isolation where it can be had, and a word where it cannot."""
    if isolate is not None:
        return isolate
    fault = available()
    if fault is not None:
        note(f"without isolation: {fault}")
    return fault is None


def attempt_all(here: project.Project, isolated: bool, offline: bool) -> list[Row]:
    """Put up the targets, run the probes inside, look at what arrived."""
    facts = _machine(here, escape_things.new_nonce(), offline)
    with contextlib.ExitStack() as stack:
        lookout = stack.enter_context(contextlib.closing(Lookout(facts.nonce)))
        made = escape_targets.folders(stack)
        memory, queues = escape_things.Memory(stack, facts.nonce), escape_things.Queues(stack, facts.nonce)
        programs, late = escape_things.Programs(stack), escape_targets.LateSockets(lookout, stack, made)
        facts = replace(_listening(facts, lookout, stack, made), late=late.paths, ordinary=programs.facts())
        facts = replace(facts, shared_files=memory.files, shm=memory.number)
        facts = replace(facts, messages=queues.number, posix_queue=queues.name)
        terminal, _ = escape_targets.terminal(lookout, stack)
        told = escape_run.run(lookout, facts, isolated, terminal, late.make)
        for thing in (memory, queues, programs):
            thing.look(lookout)
        escape_things.end_survivors(lookout, facts.nonce)
        return [judge(probe, told.get(probe.name), lookout.arrived, isolated) for probe in PROBES]


def _machine(here: project.Project, nonce: str, offline: bool) -> Facts:
    """What is there anyway."""
    environment = Settings()
    return Facts(
        nonce=nonce,
        offline=offline,
        vsock=int(escape_facts.has_vsock()),
        services=list(escape_services.known_services()),
        ours=escape_facts.our_processes(environment),
        secrets=escape_facts.hidden(environment, nonce),
        key_ids=escape_facts.key_ids(environment),
        code=escape_facts.code(),
        python=escape_facts.python(),
        namespaces=escape_facts.namespaces(),
        interfaces=escape_facts.interfaces(),
        resolvers=escape_facts.resolvers(),
        server=here.server,
        proxy=here.proxy,
    )


def _listening(facts: Facts, lookout: Lookout, stack: contextlib.ExitStack, made: dict[str, Path]) -> Facts:
    """The same with what is put up to be reached."""
    tcp, udp = escape_targets.network_targets(lookout, stack)
    return replace(
        facts,
        tcp=tcp,
        udp=udp,
        unix=escape_targets.unix_targets(lookout, stack, made, facts.nonce),
        fifos=escape_targets.fifos(lookout, stack, made),
        terminals=[escape_targets.terminal(lookout, stack)[1]],
        key=escape_things.key(stack, facts.nonce),
        inherited=_left_open(lookout, stack),
    )


def _left_open(lookout: Lookout, stack: contextlib.ExitStack) -> int:
    """The writing end of a pipe that programs inherit from us, as one that somebody forgot to close."""
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    stack.callback(os.close, ours)
    stack.callback(os.close, theirs)
    lookout.stream(ours, bytearray())
    return theirs


def print_rows(rows: Sequence[Row], isolated: bool) -> None:
    table(("", "way", "what came of it"), [(row.word.value, row.probe.tries, row.told) for row in rows])
    counts = ", ".join(f"{sum(row.word is word for row in rows)} {word.value}" for word in Word)
    wrong = [row.probe.name for row in rows if row.is_wrong]
    say("")
    say(f"tried under `tf run{' --isolate' if isolated else ''}`: {counts}")
    say(f"should be closed and is not: {', '.join(wrong)}" if wrong else "nothing is open that it should close")
