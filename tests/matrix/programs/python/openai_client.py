"""The OpenAI SDK, with the retries that it has by itself."""

from __future__ import annotations

import os

import openai
from telling import WORDS, heard, tell

CLIENT = openai.OpenAI()
ASKED = {"model": "gpt-demo", "messages": [{"role": "user", "content": "hi"}]}


def allowed() -> bool:
    return CLIENT.chat.completions.create(**ASKED).choices[0].message.content == WORDS


def denied() -> None:
    CLIENT.models.delete("ft-precious")


def held() -> bool:
    return CLIENT.embeddings.create(model="gpt-demo", input="x").data[0].embedding == [0.25, 0.5]


def stream() -> bool:
    with CLIENT.chat.completions.create(**ASKED, stream=True) as chunks:
        return heard(chunk.choices[0].delta.content for chunk in chunks) == WORDS


tell(openai.__version__, os.environ["OPENAI_API_KEY"], allowed=allowed, denied=denied, held=held, stream=stream)
