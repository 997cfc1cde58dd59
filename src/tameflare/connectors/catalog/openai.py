"""OpenAI's API (platform.openai.com/docs/api-reference): what programs use most."""

from __future__ import annotations

from typing import Final

from tameflare.connectors.catalog.rows import HIGH, LOW, WRITE, download, read, remove
from tameflare.connectors.routes import BodyKind, Route
from tameflare.core.action import Effect, Risk

LIMITS: Final = "limit:int"
PARTS: Final = BodyKind.MULTIPART


def _post(path: str, name: str, risk: Risk = LOW, effect: Effect = WRITE, *, body: BodyKind | None = None) -> Route:
    return Route("POST", "/v1/" + path, "openai." + name, effect, risk, body=body)


ROUTES: Final = (
    _post("chat/completions", "chat.create"),
    read("/v1/chat/completions", "openai.chat.list", LIMITS),
    read("/v1/chat/completions/{completion_id}", "openai.chat.get"),
    remove("/v1/chat/completions/{completion_id}", "openai.chat.delete"),
    _post("completions", "completion.create"),
    _post("responses", "response.create"),
    read("/v1/responses/{response_id}", "openai.response.get"),
    remove("/v1/responses/{response_id}", "openai.response.delete"),
    _post("responses/{response_id}/cancel", "response.cancel"),
    read("/v1/responses/{response_id}/input_items", "openai.response.list_input_items", LIMITS),
    _post("responses/input_tokens", "response.count_tokens"),
    _post("conversations", "conversation.create"),
    read("/v1/conversations/{conversation_id}", "openai.conversation.get"),
    _post("conversations/{conversation_id}", "conversation.update"),
    remove("/v1/conversations/{conversation_id}", "openai.conversation.delete"),
    _post("embeddings", "embedding.create"),
    _post("moderations", "moderation.create"),
    read("/v1/models", "openai.model.list"),
    read("/v1/models/{model:any}", "openai.model.get"),
    remove("/v1/models/{model:any}", "openai.model.delete"),
    read("/v1/files", "openai.file.list", LIMITS),
    _post("files", "file.upload", Risk.MEDIUM, body=PARTS),
    read("/v1/files/{file_id}", "openai.file.get"),
    download("/v1/files/{file_id}/content", "openai.file.download"),
    remove("/v1/files/{file_id}", "openai.file.delete"),
    _post("uploads", "upload.create", Risk.MEDIUM),
    _post("uploads/{upload_id}/parts", "upload.add_part", Risk.MEDIUM, body=PARTS),
    _post("uploads/{upload_id}/complete", "upload.complete", Risk.MEDIUM),
    _post("uploads/{upload_id}/cancel", "upload.cancel"),
    _post("images/generations", "image.create"),
    _post("images/edits", "image.edit", body=PARTS),
    _post("images/variations", "image.vary", body=PARTS),
    _post("audio/speech", "speech.create"),
    _post("audio/transcriptions", "transcription.create", body=PARTS),
    _post("audio/translations", "translation.create", body=PARTS),
    read("/v1/batches", "openai.batch.list", LIMITS),
    _post("batches", "batch.create", Risk.MEDIUM),
    read("/v1/batches/{batch_id}", "openai.batch.get"),
    _post("batches/{batch_id}/cancel", "batch.cancel"),
    read("/v1/fine_tuning/jobs", "openai.fine_tuning_job.list", LIMITS),
    _post("fine_tuning/jobs", "fine_tuning_job.create", HIGH),
    read("/v1/fine_tuning/jobs/{fine_tuning_job_id}", "openai.fine_tuning_job.get"),
    read("/v1/fine_tuning/jobs/{fine_tuning_job_id}/events", "openai.fine_tuning_job.list_events", LIMITS),
    _post("fine_tuning/jobs/{fine_tuning_job_id}/cancel", "fine_tuning_job.cancel"),
    read("/v1/vector_stores", "openai.vector_store.list", LIMITS),
    _post("vector_stores", "vector_store.create"),
    read("/v1/vector_stores/{vector_store_id}", "openai.vector_store.get"),
    _post("vector_stores/{vector_store_id}", "vector_store.update"),
    remove("/v1/vector_stores/{vector_store_id}", "openai.vector_store.delete"),
    _post("vector_stores/{vector_store_id}/search", "vector_store.search"),
    read("/v1/vector_stores/{vector_store_id}/files", "openai.vector_store.list_files", LIMITS),
    _post("vector_stores/{vector_store_id}/files", "vector_store.add_file"),
    remove("/v1/vector_stores/{vector_store_id}/files/{file_id}", "openai.vector_store.remove_file"),
    read("/v1/assistants", "openai.assistant.list", LIMITS),
    _post("assistants", "assistant.create"),
    read("/v1/assistants/{assistant_id}", "openai.assistant.get"),
    _post("assistants/{assistant_id}", "assistant.update"),
    remove("/v1/assistants/{assistant_id}", "openai.assistant.delete"),
    _post("threads", "thread.create"),
    _post("threads/runs", "thread.create_and_run"),
    read("/v1/threads/{thread_id}", "openai.thread.get"),
    remove("/v1/threads/{thread_id}", "openai.thread.delete"),
    read("/v1/threads/{thread_id}/messages", "openai.thread.list_messages", LIMITS),
    _post("threads/{thread_id}/messages", "thread.add_message"),
    read("/v1/threads/{thread_id}/runs", "openai.run.list", LIMITS),
    _post("threads/{thread_id}/runs", "run.create"),
    read("/v1/threads/{thread_id}/runs/{run_id}", "openai.run.get"),
    _post("threads/{thread_id}/runs/{run_id}/cancel", "run.cancel"),
    _post("threads/{thread_id}/runs/{run_id}/submit_tool_outputs", "run.submit_tool_outputs"),
    _post("videos", "video.create", Risk.MEDIUM, body=PARTS),
    read("/v1/videos", "openai.video.list", LIMITS),
    read("/v1/videos/{video_id}", "openai.video.get"),
    download("/v1/videos/{video_id}/content", "openai.video.download"),
    remove("/v1/videos/{video_id}", "openai.video.delete"),
    _post("realtime/client_secrets", "realtime.create_secret", HIGH),
)
