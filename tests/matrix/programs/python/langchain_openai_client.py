"""LangChain's models of OpenAI, with the retries that they have by themselves."""

from __future__ import annotations

import os
from importlib.metadata import version

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from telling import WORDS, heard, tell

MODEL = ChatOpenAI(model="gpt-demo")


def allowed() -> bool:
    return MODEL.invoke("hi").content == WORDS


def denied() -> None:
    ChatOpenAI(model="gpt-demo", use_responses_api=True).invoke("hi")


def held() -> bool:
    return OpenAIEmbeddings(model="gpt-demo", check_embedding_ctx_length=False).embed_query("x") == [0.25, 0.5]


def stream() -> bool:
    return heard(chunk.content for chunk in MODEL.stream("hi")) == WORDS


tell(
    version("langchain-openai"), os.environ["OPENAI_API_KEY"], allowed=allowed, denied=denied, held=held, stream=stream
)
