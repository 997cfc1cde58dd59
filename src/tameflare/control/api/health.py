"""How the installation is: one word for anybody, the rest for people with a token."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import Field

import tameflare
from tameflare.control.api.auth import Anybody, Wired
from tameflare.control.api.bodies import Answer
from tameflare.control.store.engine import DatabaseUnavailable

router = APIRouter(tags=["health"])


class Health(Answer):
    """`degraded`: it works, and something needs a person. `unavailable`: the database does not answer."""

    status: Literal["ok", "degraded", "unavailable"]
    setup_required: bool = Field(description="Nobody has registered yet.")


class ProxyHealth(Answer):
    name: str
    last_seen: int | None
    version: int
    backlog: int


class HealthDetails(Health):
    """`version` is that of the configuration; `warnings` say what needs a person."""

    version: int
    release: str
    database: Literal["ok"]
    signing_key: Literal["ok", "replaced"]
    encrypted: bool
    kill_switch_active: bool
    gateways: int
    proxies: list[ProxyHealth]
    warnings: list[str]


@router.get("/api/health", responses={503: {"model": Health, "description": "The database does not answer."}})
async def read_health(caller: Anybody, services: Wired, response: Response) -> HealthDetails | Health:
    """The status; with a personal access token its details."""
    try:
        facts = await services.health.facts()
        warnings = await services.health.warnings()
    except DatabaseUnavailable:
        response.status_code = 503
        return Health(status="unavailable", setup_required=False)
    word: Literal["ok", "degraded"] = "degraded" if warnings else "ok"
    if caller is None:
        return Health(status=word, setup_required=not facts.registered)
    return HealthDetails(
        status=word,
        setup_required=not facts.registered,
        version=facts.version,
        release=tameflare.__version__,
        database="ok",
        signing_key="replaced" if services.keys.problems or services.signing_keys.problem else "ok",
        encrypted=services.vault.encrypts,
        kill_switch_active=bool(facts.switches),
        gateways=facts.gateways,
        proxies=[ProxyHealth.model_validate(proxy) for proxy in facts.proxies],
        warnings=warnings,
    )
