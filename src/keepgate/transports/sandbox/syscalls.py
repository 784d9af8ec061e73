"""Which system calls a contained process does not get, by number. Pure data.

Numbers are the kernel's own (`asm/unistd_64.h`, `asm-generic/unistd.h`); a test holds them against those headers. The
choice follows the default profiles of Docker and Flatpak. What is newer than `NEWEST` is not offered either: nobody has
looked at it yet.
"""

from __future__ import annotations

from typing import Final

NEWEST: Final = 462
"""`mseal`, Linux 6.10. The numbers of new calls are the same on every machine."""

MACHINES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""What the kernel calls the calling convention of a machine (`AUDIT_ARCH_*`), by `uname -m`."""

REFUSED: Final[dict[str, tuple[int | None, int | None]]] = {
    # the tree of mounts, and leaving it
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # other namespaces
    "unshare": (272, 97), "setns": (308, 268), "sethostname": (170, 161), "setdomainname": (171, 162),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # large parts of the kernel that a server does not need
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "modify_ldt": (154, None),
    "lookup_dcookie": (212, 18), "nfsservctl": (180, 42), "uselib": (134, None), "ustat": (136, None),
    "sysfs": (139, None),
    # keys are shared with everything else of the user
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    # the machine
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "clock_adjtime": (305, 266), "syslog": (103, 116), "iopl": (172, None), "ioperm": (173, None),
    "vhangup": (153, 58),
}  # fmt: skip
"""Answered with EPERM. (x86_64, aarch64); None where a machine does not have it."""

SHARED: Final[dict[str, tuple[int | None, int | None]]] = {
    "shmget": (29, 194), "shmat": (30, 196), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
}  # fmt: skip
"""Memory, semaphores and queues of the machine: refused where there is no namespace for them."""

CHECKED: Final[dict[str, tuple[int, int]]] = {
    "clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "socketpair": (53, 199), "ioctl": (16, 29),
    "prlimit64": (302, 261),
}  # fmt: skip
"""Whether they are refused depends on their arguments."""


def number(name: str, machine: str) -> int | None:
    """The number of a call on a machine, None if it has none."""
    return (REFUSED | SHARED | CHECKED)[name][list(MACHINES).index(machine)]
