"""The Slack SDK, with all the handlers that it has for trying again."""

from __future__ import annotations

import os

import slack_sdk
import slack_sdk.version
from slack_sdk.http_retry import all_builtin_retry_handlers
from telling import tell

KEY = os.environ["SLACK_BOT_TOKEN"]
API = slack_sdk.WebClient(KEY, retry_handlers=all_builtin_retry_handlers(), timeout=60)


def allowed() -> bool:
    return API.auth_test()["team"] == "demo"


def denied() -> None:
    API.conversations_archive(channel="C0DEMO")


def held() -> bool:
    return API.chat_postMessage(channel="C0DEMO", text="hi")["message"]["text"] == "hi"


tell(slack_sdk.version.__version__, KEY, allowed=allowed, denied=denied, held=held)
