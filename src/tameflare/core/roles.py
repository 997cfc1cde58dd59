"""Roles of people, and scopes of their tokens."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


_RANK: Final = {Role.VIEWER: 0, Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}


def at_least(role: Role, required: Role) -> bool:
    return _RANK[role] >= _RANK[required]


class Scope(StrEnum):
    """What a personal access token may be used for; never more than its user's role allows."""

    READ = "read"
    MANAGE = "manage"
    APPROVE = "approve"
    KILL_SWITCH = "kill_switch"
    VERIFY = "verify"
