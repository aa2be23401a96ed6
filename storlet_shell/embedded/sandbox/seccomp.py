"""The system calls that storlets may not use, as a seccomp filter in the kernel's classic BPF.

It applies to every process of a storlet, from before the storlet is imported. A refused call fails with an ordinary
error, mostly EPERM. A user namespace grants capabilities within it, but not these calls, so import code gains nothing
by creating one.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import signal
import socket
import struct
from collections.abc import Iterable

from storlet_shell.embedded.sandbox import linux

Instruction = tuple[int, int, int, int]  # struct sock_filter: code, jump if true, jump if false, operand

# The number of each call on x86-64 and on arm64 (arch/x86/entry/syscalls/syscall_64.tbl and
# include/uapi/asm-generic/unistd.h); None if an architecture doesn't have it.
_CLONE, _SOCKET, _SOCKETPAIR, _IOCTL, _PRCTL = (56, 220), (41, 198), (53, 199), (16, 29), (157, 167)

_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Namespaces, and mounts in them. clone is examined in detail below.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # Files without their paths.
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    # Keyrings, which belong to a user, not to a process.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # Large parts of the kernel that no storlet needs.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "lookup_dcookie": (212, 18),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "personality": (135, 92),
    # Memory that no process limit counts, and that outlives its process.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmdt": (67, 197),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
    # File watches: the kernel allows 128 to all processes of a user, including the server's.
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    # The machine.
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
}

# Reported as missing, so that libraries use alternatives: glibc calls clone instead of clone3, whose flags a filter
# can't see, and users of io_uring use threads.
_MISSING: dict[str, tuple[int | None, int | None]] = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}

_NEWEST = 456  # futex_requeue, of Linux 6.7. Later calls, and those of other ABIs (x32), are reported as missing, too.

_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # type into a terminal
_PR_SET_PDEATHSIG = 1

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*

_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; each argument is a little-endian u64

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


def is_offered() -> bool:
    """Whether this kernel filters system calls, and their numbers are known here."""
    if platform.machine() not in _ARCHITECTURES:
        return False
    try:
        linux.prctl(_PR_SET_SECCOMP, _MODE_FILTER)  # without a filter: EFAULT if supported (seccomp(2))
    except OSError as error:
        return error.errno == errno.EFAULT
    return False


def forbid_dangerous_calls(namespaces: int = 0) -> None:
    """Irrevocably refuse this process and its descendants what no storlet needs.

    The process must have given up new privileges.

    :param namespaces: the one set of ``CLONE_NEW*`` that a process may still be forked into; 0 for none
    """
    _install(calls(platform.machine(), namespaces))


def calls(machine: str, namespaces: int = 0) -> list[Instruction]:
    """Return the program of :func:`forbid_dangerous_calls` for an architecture."""
    column, architecture = _ARCHITECTURES[machine]
    program = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), _error(errno.ENOSYS)]
    program += [(_LOAD, 0, 0, _NUMBER), (_GREATER, 0, 1, _NEWEST), _error(errno.ENOSYS)]
    for table, number in ((_REFUSED, errno.EPERM), (_MISSING, errno.ENOSYS)):
        for call in table.values():
            value = call[column]
            if value is not None:
                program += [(_EQUAL, 0, 1, value), _error(number)]
    for create in (_SOCKET, _SOCKETPAIR):
        program += _when(create[column], 0, [(_EQUAL, 1, 0, socket.AF_UNIX), _error(errno.EAFNOSUPPORT)])
    refused = [(_EQUAL, 0, 1, request) for request in (_TIOCSTI, _TIOCLINUX)]
    program += _when(_IOCTL[column], 1, [part for test in refused for part in (test, _error(errno.EPERM))])
    # When the server ends, so does every process of its storlets: nobody may revoke that.
    other_signal = [(_LOAD, 0, 0, _ARGUMENTS + 8), (_EQUAL, 1, 0, signal.SIGKILL), _error(errno.EPERM)]
    program += _when(_PRCTL[column], 0, [(_EQUAL, 0, len(other_signal), _PR_SET_PDEATHSIG), *other_signal])
    allowed = [(_EQUAL, 2, 0, namespaces | signal.SIGCHLD)] if namespaces else []
    program += _when(_CLONE[column], 0, [*allowed, (_ANY_BIT, 0, 1, _NAMESPACES), _error(errno.EPERM)])
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _error(number: int) -> Instruction:
    return _RETURN, 0, 0, _ERROR | number


def _when(call: int, argument: int, body: Iterable[Instruction]) -> list[Instruction]:
    """Return instructions that check the lower half of a call's argument, which the kernel uses, then allow it."""
    body = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument), *body, (_RETURN, 0, 0, _ALLOW)]
    return [(_EQUAL, 0, len(body), call), *body]


def _install(program: list[Instruction]) -> None:
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(buffer)))
    linux.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(header))
