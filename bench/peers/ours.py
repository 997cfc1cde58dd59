"""TameFlare with everything on, twice: with a credential that is put in and masked, and without one."""

from __future__ import annotations

from importlib.util import find_spec

from bench import machine
from bench.peers.site import Site
from bench.peers.way import Way
from bench.plant import RATE_LIMIT, RULES
from tameflare import __version__

NAME = "TameFlare"
UNMASKED = "TameFlare, no credential"
_GATEWAY = "bench-open"


def ways(site: Site) -> list[Way]:
    """Two gateways of one installation, so one process: their memory is the same."""
    without = "everything on, but the connector has no credential"
    return [
        _way(site, NAME, "everything on", site.plant.token),
        _way(site, UNMASKED, without, _open_gateway(site), own_memory=False),
    ]


def _way(site: Site, name: str, about: str, token: str, *, own_memory: bool = True) -> Way:
    plant = site.plant

    def counted(answers: int) -> None:
        plant.answers += answers

    return Way(
        name,
        f"TameFlare {__version__}, {'compiled' if _is_compiled() else 'not compiled'}, {about}",
        plant.proxy_port,
        site.room(name),
        plant.product.data / "proxy" / "ca.pem",
        {host: f"{host}:443" for host in site.ports},
        token,
        processes=lambda: machine.family(plant.proxy_pid),
        counted=counted,
        settle=plant.settle,
        own_memory=own_memory,
    )


def _is_compiled() -> bool:
    """Whether this is the wheel that `make wheel` builds; else the request path runs as Python."""
    found = find_spec("tameflare.proxy.conversation")
    return found is not None and not str(found.origin).endswith(".py")


def _open_gateway(site: Site) -> str:
    """The token of a gateway with the same rules, whose connector puts nothing in."""
    product, at = site.plant.product, f"/api/dashboard/gateways/{_GATEWAY}"
    product.add_gateway(_GATEWAY, (), rate_limit_per_minute=RATE_LIMIT)
    product.api("POST", f"{at}/connectors", {"type": "github", "credential": "none"})
    for pattern, decision in RULES:
        product.api("POST", f"{at}/rules", {"connector": "github", "pattern": pattern, "decision": decision})
    token: str = product.api("POST", f"{at}/tokens", {})["token"]
    product.wait_for_configuration()
    return token
