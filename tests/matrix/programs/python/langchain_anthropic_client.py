"""LangChain's model of Anthropic, with the retries that it has by itself."""

from __future__ import annotations

import os
from importlib.metadata import version

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from telling import WORDS, heard, tell

MODEL = ChatAnthropic(model="claude-demo")


def allowed() -> bool:
    return MODEL.invoke("hi").content == WORDS


def denied() -> None:
    MODEL.get_num_tokens_from_messages([HumanMessage("hi")])


def stream() -> bool:
    return heard(chunk.content for chunk in MODEL.stream("hi")) == WORDS


tell(version("langchain-anthropic"), os.environ["ANTHROPIC_API_KEY"], allowed=allowed, denied=denied, stream=stream)
