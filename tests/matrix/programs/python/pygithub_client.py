"""PyGithub, with the retries that it has by itself."""

from __future__ import annotations

import os
from importlib.metadata import version

import github
from telling import CLIENT, tell

KEY = os.environ["GITHUB_TOKEN"]
API = github.Github(auth=github.Auth.Token(KEY), lazy=True)


def allowed() -> bool:
    return API.get_user().login == "octo-demo"


def denied() -> None:
    API.get_repo("acme/site").get_pull(1).merge()


def held() -> bool:
    return API.get_repo("acme/site").create_issue(CLIENT).title == CLIENT


tell(version("PyGithub"), KEY, allowed=allowed, denied=denied, held=held)
