"""What a probe's tries amount to, with what arrived outside and what the kind of run promises."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from tameflare.isolate.probes.base import Came, Probe, Promise, Try
from tameflare.isolate.probes.kernel import capabilities

_SEES_ALL: Final = 1 << 19  # CAP_SYS_PTRACE
_NAMED_AT_MOST: Final = 3
_NOT_ARRIVED: Final = "what was sent did not arrive"
_NO_ANSWER: Final = "it gave no answer"


class Word(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    BY_DESIGN = "open by design"
    NOT_APPLICABLE = "not applicable"
    FAILED = "failed"


@dataclass(frozen=True)
class Row:
    """`is_wrong`: it is open, or not known to be closed, where this kind of run promises that it is."""

    probe: Probe
    word: Word
    sentence: str
    mend: str
    is_wrong: bool
    tries: Sequence[Try]

    @property
    def told(self) -> str:
        return f"{self.sentence}; {self.mend}" if self.mend else self.sentence

    def as_dict(self) -> dict[str, Any]:
        probe = {"probe": self.probe.name, "area": self.probe.area, "tries": self.probe.tries}
        ways = [{"way": way, "came": came.value, "told": told} for way, came, told in self.tries]
        return {
            **probe,
            "verdict": self.word.value,
            "wrong": self.is_wrong,
            "finding": self.sentence,
            "mend": self.mend,
            "ways": ways,
        }


def judge(probe: Probe, tries: Sequence[Try] | None, arrived: Collection[str], isolated: bool) -> Row:
    """The verdict. `arrived` are the probes whose mark was seen outside, which is what counts for what was sent."""
    tries = tries or [Try("the probe itself", Came.FAILED, _NO_ANSWER)]
    open_ways = _open(tries, probe.name in arrived)
    if open_ways:
        return _row(probe, tries, open_ways, isolated)
    failed = [each for each in tries if each.came is Came.FAILED]
    if failed:
        return Row(probe, Word.FAILED, _sentence(failed), "report it", True, tries)
    blocked = [each for each in tries if each.came is not Came.ABSENT]
    if not blocked:
        return Row(probe, Word.NOT_APPLICABLE, _sentence(tries), "", False, tries)
    return Row(probe, Word.CLOSED, _sentence([_blocked(each) for each in blocked]), "", False, tries)


def _open(tries: Sequence[Try], arrived: bool) -> list[Try]:
    counted = {Came.DONE, Came.SENT} if arrived else {Came.DONE}
    found = [each for each in tries if each.came in counted]
    return found or ([Try("its mark", Came.SENT, "arrived outside")] if arrived else [])


def _blocked(one: Try) -> Try:
    return one if one.told or one.came is not Came.SENT else one._replace(told=_NOT_ARRIVED)


def _row(probe: Probe, tries: Sequence[Try], open_ways: Sequence[Try], isolated: bool) -> Row:
    promised = is_promised(probe.promise, isolated)
    word = Word.BY_DESIGN if probe.promise is Promise.NEVER else Word.OPEN
    mend = "report it: isolation should close it" if promised and isolated else probe.mend
    return Row(probe, word, _sentence(open_ways), mend, promised, tries)


def is_promised(promise: Promise, isolated: bool) -> bool:
    """Whether that kind of run is to close it. What the program may, we may: nothing but isolation takes it away."""
    if isolated or promise is Promise.ALWAYS:
        return promise is not Promise.NEVER
    return promise is Promise.UNPRIVILEGED and not capabilities() & _SEES_ALL


def _sentence(ways: Sequence[Try]) -> str:
    """The first few ways, each with how it ended, those with the same end together."""
    ends: dict[str, list[str]] = {}
    for each in ways:
        ends.setdefault(each.told, []).append(each.way)
    return "; ".join(_together(names, told) for told, names in list(ends.items())[:_NAMED_AT_MOST])


def _together(names: Sequence[str], told: str) -> str:
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    listed = ", ".join(names[:_NAMED_AT_MOST]) + more
    return f"{listed}: {told}" if told else listed
