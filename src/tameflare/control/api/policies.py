"""Policies: read, stored one by one or as a set, switched, restored."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

from fastapi import Header, Query, Response

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Items
from tameflare.control.api.errors import Error
from tameflare.control.api.policy_shapes import (
    ApplyBody,
    ChangeOut,
    Changes,
    Checked,
    DiagnosticOut,
    DiffOut,
    FilesBody,
    Number,
    PolicyOut,
    PolicyText,
    RestoreBody,
    SaveBody,
    SwitchBody,
    Validation,
    VersionOut,
    VersionText,
)
from tameflare.control.api.strict import router_for
from tameflare.control.services.faults import Fault, Invalid
from tameflare.control.services.policy_changes import Change
from tameflare.control.store.policies import Policy, Version
from tameflare.control.wiring import Services

PATH: Final = "/api/dashboard/policies"
router = router_for("policies", PATH)
_CONFLICT: Final[dict[int | str, dict[str, Any]]] = {
    409: {"model": Error, "description": "The policy is at another version than was expected."}
}

IfMatch = Annotated[
    str | None, Header(max_length=64, description='The version that this is based on, as `"3"`, instead of `version`.')
]


P = TypeVar("P", bound=PolicyOut)


def _changed(changes: list[Change], *, stored: bool) -> Changes:
    return Changes(stored=stored, changes=[ChangeOut.model_validate(change) for change in changes])


def seen(version: int | None, if_match: str | None) -> int | None:
    """The version that a change is based on. Raises Invalid where the header is none, or says another."""
    if if_match is None:
        return version
    number = if_match.strip().removeprefix("W/").strip('"')
    if not number.isdecimal() or len(number) > 10 or version not in (None, int(number)):
        raise Invalid([Fault("If-Match", "this is no version", 'write it as `"3"`, or send `version` alone')])
    return int(number)


async def _out(services: Services, policy: Policy) -> PolicyOut:
    return _with_problem(PolicyOut.model_validate(policy), await services.compiled.faulty())


async def _text(services: Services, name: str, response: Response) -> PolicyText:
    policy = await services.policies.find(name)
    response.headers["ETag"] = f'"{policy.version}"'
    return _with_problem(PolicyText.model_validate(policy), await services.compiled.faulty())


def _with_problem(policy: P, faulty: Mapping[str, str]) -> P:
    problem = faulty.get(policy.name) if policy.in_force else None
    return policy.model_copy(update={"problem": problem})


@router.get("")
async def list_policies(_caller: Reader, services: Wired) -> Items[PolicyOut]:
    faulty = await services.compiled.faulty()
    found = await services.policies.list()
    return Items(items=[_with_problem(PolicyOut.model_validate(policy), faulty) for policy in found])


@router.post("/apply", responses=_CONFLICT)
async def apply_policies(body: ApplyBody, caller: Manager, services: Wired) -> Changes:
    """Store a set: all of it, or nothing where anything is faulty."""
    files = [file.file for file in body.files]
    changes = await services.policies.apply(caller.actor, files, body.versions, prune=body.prune, dry_run=body.dry_run)
    return _changed(list(changes), stored=not body.dry_run)


@router.post("/validate")
async def validate_policies(body: FilesBody, _caller: Reader, services: Wired) -> Validation:
    """Check texts as storing them would, and store nothing."""
    found = await services.policies.check([file.file for file in body.files])
    policies = [
        Checked(
            file=draft.file,
            name=draft.name,
            line=draft.line,
            valid=not draft.faults,
            faults=[DiagnosticOut.model_validate(fault) for fault in draft.faults],
        )
        for draft in found
    ]
    return Validation(valid=all(policy.valid for policy in policies), policies=policies)


@router.get("/{name}")
async def read_policy(name: str, _caller: Reader, services: Wired, response: Response) -> PolicyText:
    """With its source; `ETag` is its version."""
    return await _text(services, name, response)


@router.put("/{name}", responses=_CONFLICT)
async def save_policy(
    name: str, body: SaveBody, caller: Manager, services: Wired, response: Response, if_match: IfMatch = None
) -> PolicyText:
    """Store one policy, as a new version where its text is another one."""
    await services.policies.save(caller.actor, name, body.source, seen(body.version, if_match))
    return await _text(services, name, response)


@router.patch("/{name}")
async def switch_policy(name: str, body: SwitchBody, caller: Manager, services: Wired) -> PolicyOut:
    """Switch it on or off, beside what its source says; a new version leaves the switch as it is."""
    changed = await services.policies.switch(caller.actor, name, enabled=body.enabled)
    return await _out(services, changed)


@router.delete("/{name}", status_code=204, responses=_CONFLICT)
async def delete_policy(
    name: str,
    caller: Manager,
    services: Wired,
    version: Annotated[int | None, Query(ge=0, le=1 << 31)] = None,
    if_match: IfMatch = None,
) -> None:
    """Delete a policy; its versions are kept and can be restored."""
    await services.policies.delete(caller.actor, name, seen(version, if_match))


@router.get("/{name}/versions")
async def list_versions(name: str, _caller: Reader, services: Wired) -> Items[VersionOut]:
    """Newest first; also of a policy that was deleted."""
    return Items(items=[VersionOut.model_validate(found) for found in await services.policies.versions(name)])


@router.get("/{name}/versions/{number}")
async def read_version(name: str, number: Number, _caller: Reader, services: Wired) -> VersionText:
    return VersionText.model_validate(await services.policies.version(name, number))


@router.get("/{name}/diff")
async def compare_versions(
    name: str,
    _caller: Reader,
    services: Wired,
    old: Annotated[int, Query(ge=1, le=1 << 31)],
    new: Annotated[int, Query(ge=1, le=1 << 31)],
) -> DiffOut:
    """What version `new` says that version `old` does not, in the unified format."""
    return DiffOut(
        diff=_diff(name, await services.policies.version(name, old), await services.policies.version(name, new))
    )


def _diff(name: str, old: Version, new: Version) -> str:
    texts = (old.source.splitlines(True), new.source.splitlines(True))
    return "".join(difflib.unified_diff(*texts, f"{name}@{old.version}", f"{name}@{new.version}"))


@router.post("/{name}/restore", responses=_CONFLICT)
async def restore_policy(
    name: str, body: RestoreBody, caller: Manager, services: Wired, response: Response, if_match: IfMatch = None
) -> PolicyText:
    """Make the text of an older version the newest again; also of a policy that was deleted."""
    await services.policies.restore(caller.actor, name, body.restore, seen(body.version, if_match))
    return await _text(services, name, response)
