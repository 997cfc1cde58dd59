"""The inside of `tf doctor --escape`: `python -P -m tameflare.isolate.probes FACTS` prints a line of JSON per probe."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Probe, Try
from tameflare.isolate.probes.table import PROBES

_AT_ONCE: Final = 8
_SECONDS: Final = 20


def main(text: str) -> None:
    facts = Facts.load(text)
    for name, tries in run_all(facts, PROBES):
        sys.stdout.write(json.dumps({"probe": name, "tries": tries}) + "\n")
        sys.stdout.flush()


def run_all(facts: Facts, probes: Iterable[Probe]) -> Iterator[tuple[str, list[Try]]]:
    """Each in a process of its own, so that none changes the world for the next; a few at a time."""
    waiting = list(probes)[::-1]
    running: dict[int, tuple[str, bytearray]] = {}
    while waiting or running:
        while waiting and len(running) < _AT_ONCE:
            probe = waiting.pop()
            running[_start(facts, probe)] = (probe.name, bytearray())
        for pipe in select.select(list(running), [], [])[0]:
            part = os.read(pipe, 1 << 16)
            if part:
                running[pipe][1].extend(part)
                continue
            os.close(pipe)
            name, said = running.pop(pipe)
            yield name, _tries(bytes(said))


def _start(facts: Facts, probe: Probe) -> int:
    """The reading end of a pipe over which its process answers."""
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.close(ours)
        signal.alarm(_SECONDS)
        with os.fdopen(theirs, "wb") as stream:
            stream.write(json.dumps(_collect(facts, probe)).encode())
        os._exit(0)
    os.close(theirs)
    return ours


def _collect(facts: Facts, probe: Probe) -> list[Try]:
    """What it tried until it was through, or until something failed that no probe expects."""
    found: list[Try] = []
    try:
        found.extend(probe.run(facts))
    except Exception as fault:  # noqa: BLE001 - a probe that fails is told of, as not closed
        found.append(Try("the probe itself", Came.FAILED, f"{type(fault).__name__}: {fault}"[:200]))
    return found


def _tries(said: bytes) -> list[Try]:
    if not said:
        return [Try("the probe itself", Came.FAILED, "it was ended before it had an answer")]
    return [Try(way, Came(came), told) for way, came, told in json.loads(said)]


if __name__ == "__main__":
    main(sys.argv[1])
