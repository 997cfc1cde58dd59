"""`tf status`: is it up, what is it serving, is anything stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from tameflare.cli import project
from tameflare.cli.errors import Unreachable
from tameflare.cli.masked import everywhere
from tameflare.cli.options import json_option
from tameflare.cli.output import clean, print_json, say
from tameflare.core.errors import TameFlareError
from tameflare.settings import Settings

if TYPE_CHECKING:
    from tameflare.cli.client import Api


@click.command("status", epilog="\b\nExample:\n  tf status --json")
@json_option
def command(as_json: bool) -> int:
    """Show server, proxy, gateways and kill switch. Exit code 3 if server or proxy is out of reach."""
    from tameflare.cli.client import connect

    report: dict[str, Any] = {"proxy": _proxy(*project.proxy_place(Settings()))}
    with connect(required=False) as api:
        report["server"] = _server(api)
        report |= _details(api) if api.logged_in and report["server"]["reachable"] else {}
    report = everywhere(report)
    if as_json:
        print_json(report)
    else:
        for line in lines(report):
            say(line)
    return 0 if report["server"]["reachable"] and report["proxy"]["reachable"] else 3


def _server(api: Api) -> dict[str, Any]:
    try:
        return {"url": api.server, "reachable": True, "health": api.get("/api/health")}
    except Unreachable as fault:
        return {"url": api.server, "reachable": False, "problem": str(fault)}
    except TameFlareError as fault:
        return {"url": api.server, "reachable": True, "problem": str(fault)}


def _proxy(url: str, authority: str) -> dict[str, Any]:
    from tameflare.cli import outer_tls

    try:
        answer = outer_tls.get(url, authority, "/health")
        return {"url": url, "reachable": True, "health": answer.json()}
    except TameFlareError as fault:
        return {"url": url, "reachable": False, "problem": str(fault)}
    except ValueError:
        return {"url": url, "reachable": False, "problem": f"what answers at `{url}` is not TameFlare's proxy"}


def _details(api: Api) -> dict[str, Any]:
    """What a log-in may see; a refused one says so instead."""
    from tameflare.cli.client import items

    try:
        return {
            "kill_switch": api.get("/api/dashboard/kill-switch"),
            "gateways": items(api.get("/api/dashboard/gateways")),
            "proxies": items(api.get("/api/dashboard/proxies")),
        }
    except TameFlareError as fault:
        return {"problem": str(fault)}


def lines(report: dict[str, Any]) -> list[str]:
    """The report for people."""
    found = [_head("server", report["server"]), _head("proxy", report["proxy"])]
    found += [f"{'warning':<12} {warning}" for warning in _warnings(report)]
    switch = report.get("kill_switch")
    if switch is None:
        found += [f"{'kill switch':<12} {line}" for line in _switches(report["proxy"], None)]
        if report["server"]["reachable"] and "problem" not in report["server"]:
            found.append(f"{'note':<12} {report.get('problem') or _unseen(report['server'])}")
        return [clean(line) for line in found]
    found += [f"{'kill switch':<12} {line}" for line in _switches(report["proxy"], switch) or ["off"]]
    found += [f"{'gateway':<12} {item['name']}  {item.get('level', '')}{_alone(item)}" for item in report["gateways"]]
    found += [f"{'link':<12} {_link(item)}" for item in report["proxies"]]
    return [clean(line) for line in found]


def _switches(proxy: dict[str, Any], central: dict[str, Any] | None) -> list[str]:
    """What is stopped: by the control plane (None: not seen), by switches of this proxy alone, or by what it knows."""
    health = proxy.get("health")
    health = health if isinstance(health, dict) else {}
    thrown = [str(item.get("scope")) for item in (central or {}).get("switches", ())]
    here = [str(scope) for scope in health.get("local_kill_switches") or ()]
    found = [f"active for {', '.join(thrown)}"] if thrown else []
    found += [f"active here for {', '.join(here)}; `tf kill-switch off --local` ends it"] if here else []
    return found or (["active at this proxy"] if health.get("kill_switch") else [])


def _unseen(server: dict[str, Any]) -> str:
    """What a log-in would show; without one the server says only in one word how it is."""
    degraded = isinstance(server.get("health"), dict) and server["health"].get("status") == "degraded"
    return f"run `tf login` to see {'why the server is degraded, ' if degraded else ''}gateways and kill switch"


def _alone(gateway: dict[str, Any]) -> str:
    return "  policies alone" if gateway.get("policy_only") else ""


def _warnings(report: dict[str, Any]) -> list[str]:
    """What server and proxy say needs a person; the server tells only those who are logged in."""
    server, proxy = (report[name].get("health") for name in ("server", "proxy"))
    told = server.get("warnings", []) if isinstance(server, dict) else []
    return [*told, *(proxy.get("problems", []) if isinstance(proxy, dict) else [])]


def _head(name: str, part: dict[str, Any]) -> str:
    health = part.get("health")
    word = health.get("status", "up") if isinstance(health, dict) else "up"
    return f"{name:<12} {part['url']}  {part.get('problem') or word}{_configuration(health)}"


def _configuration(health: Any) -> str:
    """Which configuration a proxy works by, and how long ago it last heard from the control plane."""
    found = health.get("configuration") if isinstance(health, dict) else None
    if not isinstance(found, dict):
        return ""
    age = found.get("age_seconds")
    heard = "never heard from the control plane" if age is None else f"heard from the control plane {age} s ago"
    return f", configuration {found.get('version')}, {heard}"


def _link(proxy: dict[str, Any]) -> str:
    seen = proxy.get("last_seen")
    ago = f"{max(0, time.time() - seen):.0f} s ago" if isinstance(seen, int | float) else (seen or "never")
    return f"{proxy['name']}  seen {ago}, configuration {proxy.get('version', '?')}, backlog {proxy.get('backlog', 0)}"
