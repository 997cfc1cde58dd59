"""Every probe, in the order in which they are told. This table is what the reference page is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tameflare.isolate.probes import channels, doors, keys, later, machine, modes, network, processes, secrets, walls
from tameflare.isolate.probes.base import Facts, Probe, Promise, Try

Run = Callable[[Facts], Iterable[Try]]

_NETWORK: Final[dict[str, tuple[str, Run]]] = {
    "tcp-ipv4": ("TCP to a service on 127.0.0.1, past the proxy", network.tcp_ipv4),
    "tcp-ipv6": ("TCP to a service on ::1", network.tcp_ipv6),
    "host-addresses": ("TCP to the machine's other addresses, IPv4 and IPv6", network.host_addresses),
    "udp": ("UDP to this machine, IPv4 and IPv6", network.udp),
    "quic": ("a first packet of QUIC to this machine", network.quic),
    "dns": ("DNS questions to the configured servers, by UDP and TCP", network.dns),
    "metadata-address": ("the metadata addresses of clouds", network.metadata),
    "public-address": ("public addresses, IPv4 and IPv6", network.public),
    "no-proxy": ("a program started with `NO_PROXY=*`", network.no_proxy),
    "cleared-environment": ("a program started with an empty environment", network.cleared),
    "interfaces": ("the machine's network interfaces", network.interfaces),
    "vsock": ("a socket to the host of a virtual machine", network.vsock),
    "other-families": ("Bluetooth, NFC, CAN and other kinds of sockets", network.families),
}
_CHANNELS: Final[dict[str, tuple[str, Run]]] = {
    "abstract-socket": ("an abstract UNIX socket", channels.abstract),
    "socket-in-tmp": ("a UNIX socket in /tmp", channels.socket_tmp),
    "socket-in-home": ("a UNIX socket in the home directory", channels.socket_home),
    "socket-in-runtime-dir": ("a UNIX socket in `XDG_RUNTIME_DIR`", channels.socket_runtime),
    "socket-here": ("a UNIX socket in the working directory", channels.socket_here),
    "socket-renamed": ("a UNIX socket in these places, under another name than it was made", channels.socket_renamed),
    "services": ("Docker, ssh-agent, D-Bus, X11, Wayland, the name service and others", channels.services),
    "fifo": ("a named pipe in /tmp or `XDG_RUNTIME_DIR`", channels.fifo),
    "shared-memory": ("shared memory, of System V and in /dev/shm", channels.shared_memory),
    "message-queues": ("message queues, of System V and POSIX", channels.queues),
    "keyring": ("keys in the kernel's keyrings", channels.keyring),
    "inherited-files": ("a file that was open when `tf run` was started", channels.inherited),
    "typing": ("typing into a terminal (TIOCSTI)", channels.typing),
    "other-terminals": ("writing on the user's other terminals", channels.terminals),
}
_OURS: Final[dict[str, tuple[str, Run]]] = {
    "our-environment": ("environments of `tf run`, proxy and server", processes.environment),
    "our-memory": ("memory of `tf run`, proxy and server", processes.memory),
    "our-files": ("root, working directory and open files of `tf run`, proxy and server", processes.files),
    "our-trace": ("ptrace of `tf run`, proxy and server", processes.trace),
    "our-descriptors": ("taking open files of `tf run`, proxy and server (pidfd_getfd)", processes.descriptor),
    "master-key": ("the master key, in the environment of any process", processes.master_key),
}
_PROCESSES: Final[dict[str, tuple[str, Run]]] = {
    "our-end": ("ending `tf run`, proxy or server", processes.end_ours),
    "other-process": ("looking into another program of the user", processes.ordinary),
    "other-end": ("ending another program of the user", processes.end_ordinary),
    "process-list": ("which processes there are", processes.listing),
    "survivor": ("a grandchild in a session of its own that outlives the run", processes.survivor),
}
_SECRETS: Final[dict[str, tuple[str, Run]]] = {
    "project-folder": ("`.tf` and the gateway's token, by every spelling", secrets.project),
    "log-in": ("the user's stored log-in, by every spelling", secrets.login),
    "data-directory": ("keys, tokens and databases of the data directory, by every spelling", secrets.data),
    "records": ("the proxy's spool and the server's traffic records, by every spelling", secrets.records),
    "by-processes": ("all of these, over /proc/PID/root, cwd and fd", secrets.by_processes),
    "own-code": ("changing TameFlare's code or the environment that it is installed in", later.own_code),
    "own-python": ("changing the Python that `tf` runs on, and where that takes modules from", later.own_python),
    "own-folders": ("changing `.tf`, the log-in's folder or the data directory", later.own_folders),
}
_DOORS: Final[dict[str, tuple[str, Run]]] = {
    "server": ("the server's API, past the proxy", doors.server),
    "act-as-user": ("approving its own requests with the user's log-in", doors.act_as_user),
    "other-agent": ("being another agent by the gateway's token", doors.gateway_token),
    "kill-switch": ("the proxy's local kill switch", doors.kill_switch),
}
_WALLS: Final[dict[str, tuple[str, Run]]] = {
    "setuid": ("programs that run as their owner", walls.setuid),
    "set-user-id": ("making a program that runs as this user, whoever starts it", modes.set_user_id),
    "user-namespace": ("a user namespace of its own, which widens what of the kernel can be asked", walls.nested),
}
_MACHINE: Final[dict[str, tuple[str, Run]]] = {
    "devices": ("input, video, virtualisation and other devices", machine.devices),
    "kernel-calls": ("io_uring, bpf, perf events, userfaultfd", machine.calls),
}
_RAW: Final[dict[str, tuple[str, Run]]] = {
    "raw-sockets": ("raw IP sockets and packet sockets", network.raw),
}
_HANDLES: Final[dict[str, tuple[str, Run]]] = {
    "by-handle": ("all of these, by file handle", secrets.by_handle),
}
_POWERS: Final[dict[str, tuple[str, Run]]] = {
    "mounting": ("mounting", walls.mounting),
    "capabilities": ("powers of root that the program holds", walls.powers),
}
_KERNEL: Final[dict[str, tuple[str, Run]]] = {
    "kernel-settings": ("core_pattern, modprobe, sysrq and other settings of the kernel", machine.settings),
    "control-groups": ("release agents and membership of control groups", machine.cgroups),
    "kernel-memory": ("the kernel's memory, ports and messages", machine.memory),
    "disks": ("disks, below their file systems", machine.disks),
    "kernel-modules": ("loading a module or another kernel", machine.modules),
}
_COVERS: Final[dict[str, tuple[str, Run]]] = {
    "other-mounts": ("all of these, where their file system is mounted a second time", secrets.other_mounts),
}
_PARTITIONS: Final[dict[str, tuple[str, Run]]] = {
    "unmask": ("taking away what covers the secrets, also in namespaces of its own", walls.unmask),
    "namespaces": ("going back to the machine's namespaces", walls.namespaces),
}
_BY_DESIGN: Final[dict[str, tuple[str, str, str, Run]]] = {
    "user-keys": (
        "secrets",
        "the user's own keys for other services: ssh, git, clouds, browsers",
        "hide them: `tf run --isolate --hide ~/.ssh --hide ~/.aws`; through the proxy they are of little use",
        keys.keys,
    ),
    "fifo-here": (
        "channels",
        "a named pipe in home or working directory, from which another program reads",
        "hide the folder: `--hide`",
        channels.fifo_here,
    ),
    "socket-later": (
        "channels",
        "a UNIX socket that another program makes while the run goes on, in home or working directory",
        "start agents where no service makes its socket in files that they can reach, or hide the folder: `--hide`",
        channels.socket_later,
    ),
    "process-group": (
        "processes",
        "a signal to the process group, which has `tf run` in it, and what is in one pipeline with it",
        "without a terminal, as under a service manager, the run has a group of its own",
        processes.group,
    ),
    "startup-files": (
        "later",
        "start-up files of shells and tools in the home directory",
        "isolation keeps those that are there as they are; run the agent as another user where none may be added",
        later.shells,
    ),
    "project-hooks": (
        "later",
        "git hooks and build files of the project",
        "look at what the agent changed before you run it: it runs as you",
        later.hooks,
    ),
    "schedules": (
        "later",
        "crontab, autostart and user services",
        "run the agent as another user if it must not change your files",
        later.schedules,
    ),
    "shared-folders": (
        "later",
        "network file systems, and folders that are carried to other machines (Dropbox and the like)",
        "hide them: `--hide`",
        later.shared_folders,
    ),
    "programs": (
        "later",
        "commands on PATH",
        "have them in folders of another user than the one that runs agents; `--read-only` closes single folders",
        later.programs,
    ),
}
_ISOLATE: Final = "`tf run --isolate` closes it"
_FAULT: Final = "any run should close it; please report it"
_ORDINARY: Final = "`tf run --isolate` closes it, and so does any run without root's powers"


def _area(area: str, promise: Promise, mend: str, rows: dict[str, tuple[str, Run]]) -> list[Probe]:
    return [Probe(name, area, tries, promise, mend, run) for name, (tries, run) in rows.items()]


def _by_design(area: str) -> list[Probe]:
    rows = _BY_DESIGN.items()
    return [Probe(name, of, tries, Promise.NEVER, mend, run) for name, (of, tries, mend, run) in rows if of == area]


_THROUGH: Final[dict[str, tuple[str, Run]]] = {
    "through-the-proxy": ("loopback and metadata addresses by way of the proxy", doors.through_proxy)
}

PROBES: Final[tuple[Probe, ...]] = (
    *_area("network", Promise.ISOLATION, _ISOLATE, _NETWORK),
    *_area("network", Promise.RIGHTS, _ISOLATE, _RAW),
    *_area("network", Promise.ALWAYS, _FAULT, _THROUGH),
    *_area("channels", Promise.ISOLATION, _ISOLATE, _CHANNELS),
    *_by_design("channels"),
    *_area("processes", Promise.UNPRIVILEGED, _ORDINARY, _OURS),
    *_area("processes", Promise.ISOLATION, _ISOLATE, _PROCESSES),
    *_by_design("processes"),
    *_area("secrets", Promise.ISOLATION, _ISOLATE, _SECRETS),
    *_area("secrets", Promise.RIGHTS, _ISOLATE, _HANDLES),
    *_area("secrets", Promise.WITHIN, _ISOLATE, _COVERS),
    *_by_design("secrets"),
    *_area("doors", Promise.ISOLATION, _ISOLATE, _DOORS),
    *_area("walls", Promise.WITHIN, _ISOLATE, _PARTITIONS),
    *_area("walls", Promise.RIGHTS, _ISOLATE, _POWERS),
    *_area("walls", Promise.ISOLATION, _ISOLATE, _WALLS),
    *_area("machine", Promise.RIGHTS, _ISOLATE, _KERNEL),
    *_area("machine", Promise.ISOLATION, _ISOLATE, _MACHINE),
    *_by_design("later"),
)
