"""Anthropic's API (docs.anthropic.com/en/api): what programs use most."""

from __future__ import annotations

from typing import Final

from tameflare.connectors.catalog.rows import LOW, MEDIUM, download, read, remove
from tameflare.connectors.routes import BodyKind, Route

BATCH: Final = "/v1/messages/batches/{message_batch_id}"
LIMITS: Final = "limit:int"

ROUTES: Final = (
    Route("POST", "/v1/messages", "anthropic.message.create", risk=LOW),
    Route("POST", "/v1/messages/count_tokens", "anthropic.message.count_tokens", risk=LOW),
    Route("POST", "/v1/complete", "anthropic.completion.create", risk=LOW),
    read("/v1/messages/batches", "anthropic.batch.list", LIMITS),
    Route("POST", "/v1/messages/batches", "anthropic.batch.create"),
    read(BATCH, "anthropic.batch.get"),
    read(BATCH + "/results", "anthropic.batch.get_results"),
    Route("POST", BATCH + "/cancel", "anthropic.batch.cancel"),
    remove(BATCH, "anthropic.batch.delete"),
    read("/v1/models", "anthropic.model.list", LIMITS),
    read("/v1/models/{model_id}", "anthropic.model.get"),
    read("/v1/files", "anthropic.file.list", LIMITS),
    Route("POST", "/v1/files", "anthropic.file.upload", risk=MEDIUM, body=BodyKind.MULTIPART),
    read("/v1/files/{file_id}", "anthropic.file.get"),
    download("/v1/files/{file_id}/content", "anthropic.file.download"),
    remove("/v1/files/{file_id}", "anthropic.file.delete"),
    read("/v1/skills", "anthropic.skill.list", LIMITS),
    Route("POST", "/v1/skills", "anthropic.skill.create", risk=MEDIUM, body=BodyKind.MULTIPART),
    read("/v1/skills/{skill_id}", "anthropic.skill.get"),
    remove("/v1/skills/{skill_id}", "anthropic.skill.delete"),
)
