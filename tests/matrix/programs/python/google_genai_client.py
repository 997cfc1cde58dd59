"""Google's SDK for its models, with the tries that its documentation advises."""

from __future__ import annotations

import os

from google import genai
from google.genai.types import HttpOptions, HttpRetryOptions, UpdateCachedContentConfig
from telling import WORDS, heard, tell

KEY = os.environ["GOOGLE_API_KEY"]
CLIENT = genai.Client(http_options=HttpOptions(retry_options=HttpRetryOptions(attempts=3)))


def allowed() -> bool:
    return CLIENT.models.generate_content(model="gemini-demo", contents="hi").text == WORDS


def denied() -> None:
    CLIENT.files.delete(name="files/demo")


def held() -> bool:
    return CLIENT.caches.update(name="demo", config=UpdateCachedContentConfig(ttl="60s")).display_name == "demo"


def stream() -> bool:
    chunks = CLIENT.models.generate_content_stream(model="gemini-demo", contents="hi")
    return heard(chunk.text for chunk in chunks) == WORDS


tell(genai.version.__version__, KEY, allowed=allowed, denied=denied, held=held, stream=stream)
