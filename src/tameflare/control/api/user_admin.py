"""People with an account, for admins."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tameflare.control.api.auth import Manager, SecretReader, Wired
from tameflare.control.api.bodies import Answer, Body, Items, PasswordText, Text
from tameflare.control.api.strict import router_for
from tameflare.control.api.users import Email
from tameflare.control.services.user_admin import NewUser
from tameflare.control.store import users
from tameflare.control.store.users import UserStatus
from tameflare.core.roles import Role

router = router_for("people", "/api/dashboard/users")
Given = Annotated[Role, Field(strict=False)]


class PersonBody(Body):
    name: Text
    email: Email
    role: Given = Field(Role.VIEWER, description="Not above one's own.")
    password: PasswordText


class PersonPatch(Body):
    role: Given | None = None
    status: Annotated[UserStatus, Field(strict=False)] | None = None


class PersonOut(Answer):
    id: str
    name: str
    email: str
    role: Role
    status: UserStatus
    created_at: int


@router.get("")
async def list_users(_caller: SecretReader, services: Wired) -> Items[PersonOut]:
    """Everybody with an account."""
    found = await services.database.read(users.listed)
    return Items(items=[PersonOut.model_validate(user) for user in found])


@router.post("", status_code=201)
async def add_user(body: PersonBody, caller: Manager, services: Wired) -> PersonOut:
    """Make an account; tell the person the password by a safe way."""
    wanted = NewUser(body.name, body.email, body.role, body.password)
    return PersonOut.model_validate(await services.user_admin.add(caller, wanted))


@router.patch("/{user}")
async def change_user(user: str, body: PersonPatch, caller: Manager, services: Wired) -> PersonOut:
    """Change role or status of a person, by id or e-mail. Nobody changes himself, or somebody of his role or above."""
    changed = await services.user_admin.change(caller, user, body.role, body.status)
    return PersonOut.model_validate(changed)
