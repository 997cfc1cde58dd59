"""The Anthropic SDK, with the retries that it has by itself."""

from __future__ import annotations

import os

import anthropic
from telling import WORDS, heard, tell

CLIENT = anthropic.Anthropic()
ASKED = {"model": "claude-demo", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def allowed() -> bool:
    return CLIENT.messages.create(**ASKED).content[0].text == WORDS


def denied() -> None:
    CLIENT.models.list()


def held() -> bool:
    return CLIENT.beta.files.delete("file_demo").id == "file_demo"


def stream() -> bool:
    with CLIENT.messages.stream(**ASKED) as chunks:
        return heard(chunks.text_stream) == WORDS


tell(anthropic.__version__, os.environ["ANTHROPIC_API_KEY"], allowed=allowed, denied=denied, held=held, stream=stream)
