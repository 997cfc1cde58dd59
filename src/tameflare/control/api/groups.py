"""Groups of people: rules and policies ask that each of them agrees."""

from __future__ import annotations

from tameflare.control.api.auth import Manager, Reader, SecretReader, Wired
from tameflare.control.api.bodies import Answer, Body, Items, Name
from tameflare.control.api.errors import Error
from tameflare.control.api.strict import router_for
from tameflare.control.api.user_admin import PersonOut

router = router_for("people", "/api/dashboard/groups")


class GroupBody(Body):
    name: Name


class GroupOut(Answer):
    """`members` is how many people it has, suspended ones included."""

    id: str
    name: str
    created_at: int
    members: int


class Named(Error):
    """`used_by` are the rules and policies that name it."""

    used_by: list[str]


@router.get("")
async def list_groups(_caller: Reader, services: Wired) -> Items[GroupOut]:
    return Items(
        items=[
            GroupOut(id=group.id, name=group.name, created_at=group.created_at, members=size)
            for group, size in await services.groups.list()
        ]
    )


@router.post("", status_code=201)
async def create_group(body: GroupBody, caller: Manager, services: Wired) -> GroupOut:
    """Make a group; nobody is in it yet."""
    made = await services.groups.create(caller, body.name)
    return GroupOut(id=made.id, name=made.name, created_at=made.created_at, members=0)


@router.delete(
    "/{group}",
    status_code=204,
    responses={409: {"model": Named, "description": "Rules or policies name it."}},
)
async def delete_group(group: str, caller: Manager, services: Wired) -> None:
    """Delete a group that no rule and no policy names."""
    await services.groups.delete(caller, group)


@router.get("/{group}/members")
async def list_members(group: str, _caller: SecretReader, services: Wired) -> Items[PersonOut]:
    return Items(items=[PersonOut.model_validate(user) for user in await services.groups.members(group)])


@router.put("/{group}/members/{user}")
async def add_member(group: str, user: str, caller: Manager, services: Wired) -> PersonOut:
    """Put somebody (id or e-mail) into the group. Only owners put themselves into one."""
    return PersonOut.model_validate(await services.groups.join(caller, group, user))


@router.delete("/{group}/members/{user}", status_code=204)
async def remove_member(group: str, user: str, caller: Manager, services: Wired) -> None:
    """Take somebody out. Votes that counted for the group are void until the request is let go."""
    await services.groups.leave(caller, group, user)
