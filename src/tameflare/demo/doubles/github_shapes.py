"""The JSON shapes of GitHub's objects, with the fields that clients read."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

ROOT = "https://api.github.com"
SHA = "1" * 40
_WHEN = "2024-01-01T00:00:00Z"


def user(login: str) -> dict[str, Any]:
    """A user."""
    return {
        "login": login,
        "id": 1,
        "node_id": "U_1",
        "type": "User",
        "site_admin": False,
        "url": f"{ROOT}/users/{login}",
    }


def repository(full_name: str) -> dict[str, Any]:
    """A private repository with the default branch `main`."""
    owner, _, name = full_name.partition("/")
    return {
        "id": 1,
        "node_id": "R_1",
        "name": name,
        "full_name": full_name,
        "private": True,
        "owner": user(owner),
        "url": f"{ROOT}/repos/{full_name}",
        "html_url": f"https://github.com/{full_name}",
        "clone_url": f"https://github.com/{full_name}.git",
        "default_branch": "main",
        "created_at": _WHEN,
        "updated_at": _WHEN,
    }


def pull(number: int, title: str, head: str, base: str) -> dict[str, Any]:
    """An open pull request of `acme/site`."""
    return {
        "id": number,
        "number": number,
        "state": "open",
        "merged": False,
        "title": title,
        "body": "",
        "user": user("octo-demo"),
        "head": {"ref": head, "sha": SHA, "label": f"acme:{head}"},
        "base": {"ref": base, "sha": SHA, "label": f"acme:{base}"},
        "url": f"{ROOT}/repos/acme/site/pulls/{number}",
        "issue_url": f"{ROOT}/repos/acme/site/issues/{number}",
        "created_at": _WHEN,
        "updated_at": _WHEN,
    }


def issue(number: int, title: str, body: str) -> dict[str, Any]:
    """An open issue of `acme/site`."""
    return {
        "id": number,
        "number": number,
        "state": "open",
        "title": title,
        "body": body,
        "user": user("octo-demo"),
        "labels": [],
        "comments": 0,
        "url": f"{ROOT}/repos/acme/site/issues/{number}",
        "created_at": _WHEN,
        "updated_at": _WHEN,
    }


def content(full_name: str, name: str, data: bytes) -> dict[str, Any]:
    """A file with its content in base64."""
    return {
        "type": "file",
        "encoding": "base64",
        "name": name.rpartition("/")[2],
        "path": name,
        "size": len(data),
        "sha": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        "content": base64.b64encode(data).decode(),
        "url": f"{ROOT}/repos/{full_name}/contents/{name}",
    }


def commit() -> dict[str, Any]:
    """The commit that a change of a file made."""
    person = {"name": "octo-demo", "email": "octo@example.com", "date": _WHEN}
    return {"sha": SHA, "message": "change", "author": person, "committer": person, "url": f"{ROOT}/commits/{SHA}"}
