"""Faults of storing policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tameflare.control.services.faults import Fault, Invalid
from tameflare.core.errors import TameFlareError
from tameflare.core.policy.diagnostics import Diagnostic


class PolicyFault(Fault, frozen=True, kw_only=True):
    """A fault in the text of a policy; `file` as it was sent, `line` and `column` in it, from 1."""

    file: str
    line: int
    column: int


class FaultyPolicies(Invalid):
    """Nothing was stored; `faults` are all faults of all policies that were sent."""

    code = "invalid_policy"


class VersionMoved(TameFlareError):
    """Somebody else changed a policy in between; `version` is the present one, 0: there is none."""

    code = "version_conflict"

    def __init__(self, name: str, wanted: int, version: int) -> None:
        present = f"is at version {version}" if version else "does not exist"
        expected = f"not {wanted}" if wanted else "and was to be new"
        super().__init__(f"the policy `{name}` {present}, {expected}", "read it again, and decide anew")
        self.policy = name
        self.version = version


def told(diagnostics: Iterable[Diagnostic], file: str, field: str) -> Iterator[PolicyFault]:
    """Diagnostics as faults of what was sent."""
    for found in diagnostics:
        yield PolicyFault(field, found.message, found.help, file=file, line=found.line, column=found.column)
