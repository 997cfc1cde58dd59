"""Programs on this machine that act for whoever connects to their socket, by name."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path


def known_services() -> Iterator[tuple[str, str]]:
    """Sockets of programs that act for whoever connects, where they listen: (name, address)."""
    for name, address in _candidates():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(1)
            try:
                line.connect("\0" + address[1:] if address.startswith("@") else address)
            except OSError:
                continue
        yield name, address


def _candidates() -> Iterator[tuple[str, str]]:
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    yield from (("docker", "/run/docker.sock"), ("podman", "/run/podman/podman.sock"))
    yield from (("containerd", "/run/containerd/containerd.sock"), ("snapd", "/run/snapd.socket"))
    yield from (("system bus", "/run/dbus/system_bus_socket"), ("name service", "/run/nscd/socket"))
    yield from (("resolver", "/run/systemd/resolve/io.systemd.Resolve"), ("systemd", "/run/systemd/private"))
    for name, path in (("docker", "docker.sock"), ("podman", "podman/podman.sock"), ("session bus", "bus")):
        yield name, f"{runtime}/{path}"
    for name, path in (("user's systemd", "systemd/private"), ("sound", "pulse/native"), ("pipewire", "pipewire-0")):
        yield name, f"{runtime}/{path}"
    yield from (("gpg-agent", f"{runtime}/gnupg/S.gpg-agent"), ("gpg-agent", str(Path.home() / ".gnupg/S.gpg-agent")))
    if agent := os.environ.get("SSH_AUTH_SOCK"):
        yield "ssh-agent", agent
    for path in re.findall(r"unix:path=([^,;]+)", os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")):
        yield "session bus", path
    if display := os.environ.get("WAYLAND_DISPLAY"):
        yield "wayland", str(Path(runtime, display))
    for number in re.findall(r":(\d+)", os.environ.get("DISPLAY", "")):
        yield from (("x11", f"/tmp/.X11-unix/X{number}"), ("x11", f"@/tmp/.X11-unix/X{number}"))  # noqa: S108 - X's own
