"""Where the API keeps what belongs to a gateway."""

from __future__ import annotations

from tameflare.cli.options import gateway_name


def gateway_path(gateway: str | None, *parts: str) -> str:
    """The path of a part of the gateway that was named, else of the project's: `gateway_path(None, "agents", name)`.

    Raises SettingError where there is no gateway.
    """
    from tameflare.cli.client import segment

    return "/".join(("/api/dashboard/gateways", *map(segment, (gateway_name(gateway), *parts))))
