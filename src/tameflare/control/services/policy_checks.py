"""Policies as they are sent, checked against everything that exists, before anything of them is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from tameflare.control.services.policy_faults import FaultyPolicies, PolicyFault, told
from tameflare.core.config import PolicyConfig
from tameflare.core.policy.compile import compile_policies
from tameflare.core.policy.diagnostics import Diagnostic
from tameflare.core.policy.known import Known
from tameflare.core.policy.model import Policy, Scope
from tameflare.core.policy.parse import Parsed, parse_file, parse_policy
from tameflare.settings import MAX_POLICY_BYTES, Settings


class File(msgspec.Struct, frozen=True):
    """A text as it was sent; `name` is what faults call it."""

    name: str
    text: str


class Draft(msgspec.Struct, frozen=True):
    """One policy of a file; `policy` is None where `faults` has any."""

    file: str
    source: str
    policy: Policy | None
    scope: Scope | None
    line: int
    faults: tuple[PolicyFault, ...]

    @property
    def name(self) -> str:
        """Empty where it could not be read."""
        return "" if self.policy is None else self.policy.name


class Sound(msgspec.Struct, frozen=True):
    """A policy without faults, as it is stored."""

    source: str
    policy: Policy
    scope: Scope


def drafts(files: Sequence[File], known: Known, settings: Settings) -> list[Draft]:
    """Every policy of every file, with its faults."""
    largest = settings.get(MAX_POLICY_BYTES)
    found = [
        _draft(parsed, file.name, f"files.{index}", largest)
        for index, file in enumerate(files)
        for parsed in parse_file(file.text, known)
    ]
    return list(_once(found))


def draft(source: str, known: Known, settings: Settings) -> Draft:
    """The one policy of a text."""
    return _draft(parse_policy(source, known), "", "source", settings.get(MAX_POLICY_BYTES))


def sound(found: Sequence[Draft]) -> list[Sound]:
    """Those, ready to be stored. Raises FaultyPolicies with all faults of all of them."""
    faults = [fault for each in found for fault in each.faults]
    if faults:
        raise FaultyPolicies(faults)
    return [Sound(each.source, each.policy, each.scope) for each in found if each.policy and each.scope]


def _draft(parsed: Parsed, file: str, field: str, largest: int) -> Draft:
    faults = list(told(parsed.diagnostics or _unfit(parsed), file, field))
    size, line = len(parsed.source.encode(errors="surrogatepass")), parsed.first_line
    if size > largest and not faults:
        help_text = f"a policy has at most {largest:,} here (TF_MAX_POLICY_BYTES); split it"
        faults.append(PolicyFault(field, f"a policy of {size:,} bytes", help_text, file=file, line=line, column=1))
    return Draft(
        file=file,
        source=parsed.source.replace("\r\n", "\n").strip("\n") + "\n",
        policy=None if faults else parsed.policy,
        scope=parsed.scope,
        line=line,
        faults=tuple(faults),
    )


def _unfit(parsed: Parsed) -> tuple[Diagnostic, ...]:
    """What the engine could not do of a policy that is well-formed."""
    if parsed.policy is None:
        return ()
    problems = compile_policies([(PolicyConfig("", parsed.policy.name, 0, ""), parsed.policy)]).problems
    return tuple(found for problem in problems for found in problem.diagnostics)


def _once(found: Sequence[Draft]) -> Iterator[Draft]:
    """A name that stands there twice is a fault of the second."""
    seen: Counter[str] = Counter()
    for each in found:
        seen[each.name] += bool(each.name)
        if seen[each.name] > 1:
            message = f"the policy `{each.name}` is there twice"
            fault = PolicyFault(
                "files", message, "rename or remove one of them", file=each.file, line=each.line, column=1
            )
            yield msgspec.structs.replace(each, policy=None, faults=(fault,))
        else:
            yield each
