"""The control plane as an ASGI application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

import tameflare
from tameflare.control.api import (
    actions,
    agent_keys,
    agents,
    approvals,
    asked_actions,
    authzen,
    catalog,
    connectors,
    credentials,
    decision_tokens,
    docs,
    errors,
    executions,
    gateway_tokens,
    gateways,
    groups,
    health,
    killswitch,
    link,
    link_approvals,
    link_executions,
    link_totals,
    policies,
    policy_trials,
    proxies,
    rules,
    signing_keys,
    tokens,
    traffic,
    user_admin,
    users,
)
from tameflare.control.api.direct import WithShortcuts
from tameflare.control.api.guard import Guard, allowed_hosts
from tameflare.control.dashboard import room
from tameflare.control.wiring import Services
from tameflare.settings import HOST, PUBLIC_URL

_NOUNS = (
    health, users, user_admin, groups, tokens, gateways, gateway_tokens, agents, agent_keys, connectors, credentials,
    rules, approvals, policies, policy_trials, proxies, killswitch, catalog, traffic, actions, asked_actions,
    executions, decision_tokens, signing_keys, link, link_approvals, link_executions, link_totals, docs,
)  # fmt: skip


def create_app(services: Services) -> FastAPI:
    """Every route of the API over these services."""
    app = _described()
    app.state.services = services
    room.install(app)
    errors.install(app)
    settings = services.context.settings
    hosts = allowed_hosts(settings.get(HOST), settings.get(PUBLIC_URL))
    app.add_middleware(Guard, hosts=hosts)
    app.shortcuts = {place: Guard(short, hosts) for place, short in actions.SHORTCUTS.items()}
    return app


def document() -> dict[str, Any]:
    """The OpenAPI document, without a database or anything else that runs."""
    return _described().openapi()


def _described() -> WithShortcuts:
    """The routes that the document has."""
    app = WithShortcuts(
        title="TameFlare",
        version=tameflare.__version__,
        description="The control plane of TameFlare: people, gateways, agents, connectors, access rules, records.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(actions.direct)
    app.include_router(traffic.own)
    app.include_router(authzen.router)
    for noun in _NOUNS:
        app.include_router(noun.router)
    return app
