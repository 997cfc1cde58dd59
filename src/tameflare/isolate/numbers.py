"""Numbers of the system calls that the filter names, for the two architectures that isolation runs on.

From the kernel's tables: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Architecture(NamedTuple):
    """`audit` is the value of `seccomp_data.arch`; `calls` are numbers by name."""

    audit: int
    calls: dict[str, int]


_SAME: Final = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "openat2": 437, "mount_setattr": 442, "quotactl_fd": 443, "fchmodat2": 452, "open_tree_attr": 467,
}  # fmt: skip
"""Calls since Linux 5.1 have one number on all architectures."""

ARCHITECTURES: Final = {
    "x86_64": Architecture(
        0xC000003E,
        {
            "chmod": 90, "fchmod": 91, "fchmodat": 268,
            "open": 2, "openat": 257, "creat": 85, "mknod": 133, "mknodat": 259,
            "ioctl": 16, "socket": 41, "socketpair": 53, "clone": 56, "unshare": 272,
            "mount": 165, "umount2": 166, "pivot_root": 155, "setns": 308,
            "keyctl": 250, "add_key": 248, "request_key": 249,
            "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "open_by_handle_at": 304, "fanotify_init": 300,
            "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313, "delete_module": 176,
            "quotactl": 179, "swapon": 167, "swapoff": 168, "reboot": 169, "acct": 163, "syslog": 103,
            "vhangup": 153, "nfsservctl": 180, "lookup_dcookie": 212, "iopl": 172, "ioperm": 173, **_SAME,
        },
    ),
    "aarch64": Architecture(
        0xC00000B7,
        {
            "fchmod": 52, "fchmodat": 53, "openat": 56, "mknodat": 33,
            "ioctl": 29, "socket": 198, "socketpair": 199, "clone": 220, "unshare": 97,
            "mount": 40, "umount2": 39, "pivot_root": 41, "setns": 268,
            "keyctl": 219, "add_key": 217, "request_key": 218,
            "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "open_by_handle_at": 265, "fanotify_init": 262,
            "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273, "delete_module": 106,
            "quotactl": 60, "swapon": 224, "swapoff": 225, "reboot": 142, "acct": 89, "syslog": 116,
            "vhangup": 58, "nfsservctl": 42, "lookup_dcookie": 18, **_SAME,
        },
    ),
}  # fmt: skip
