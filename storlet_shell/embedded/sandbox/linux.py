"""The Linux system calls that the sandbox needs and Python 3.11 doesn't provide.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import stat
import struct
from contextlib import suppress
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

# clone(2) and pivot_root(2) have different numbers by architecture; newer calls have the same everywhere.
_CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine())
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(platform.machine())
_KEYCTL = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
_MOUNT_SETATTR = 442
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446

_KEYCTL_JOIN_SESSION_KEYRING = 1

_M_ARENA_MAX = -8  # mallopt(3)
_ATTRIBUTES_BYTES = 64  # more than the size of pthread_attr_t anywhere

_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_LANDLOCK_RULE_PATH_BENEATH = 1

# PyDLL keeps the interpreter lock, which a call that forks must hold.
_libc = ctypes.PyDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def _checked(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def _call(number: int, *arguments: int | bytes | None) -> int:
    return int(_syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]))


def spawn(flags: int = 0) -> int:
    """Fork this process into new namespaces; return 0 in the child, its process ID in the parent.

    :param flags: the ``CLONE_NEW*`` flags of the namespaces to create; 0 for a plain fork
    :raises OSError: if the kernel, or a container's policy, doesn't allow it
    """
    if not flags:
        return os.fork()
    if _CLONE is None:
        raise OSError(f"clone: unknown for {platform.machine()}")
    # What os.fork() does around its system call (Modules/posixmodule.c): locks, the thread state, signal pipes.
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = _call(_CLONE, flags | signal.SIGCHLD, None, None, None, None)
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    number = ctypes.get_errno()
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, f"clone: {os.strerror(number)}")
    return pid


def prctl(option: int, argument: int = 0, further: int = 0) -> None:
    """Set an attribute of this process."""
    _checked(_libc.prctl(option, *[ctypes.c_ulong(a) for a in (argument, further, 0, 0)]), "prctl")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that ends."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose parents have ended."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Irrevocably give up what set-user-ID programs would grant."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def leave_session_keyring() -> None:
    """Create a session keyring for this process, without any of the user's keys."""
    if _KEYCTL is not None:
        _call(_KEYCTL, _KEYCTL_JOIN_SESSION_KEYRING, None)  # a kernel without keyrings has none to leave


def bound_namespaces(limit: int) -> None:
    """Limit the number of namespaces in this process's user namespace, if the kernel lets it.

    Otherwise the limit is that of the user who created the first of them, for all of that user's processes.
    """
    for kind in ("user", "pid", "ipc"):
        with suppress(OSError):  # a container's /proc/sys may be read-only
            Path(f"/proc/sys/user/max_{kind}_namespaces").write_text(str(limit))


def let_be_inspected() -> None:
    """Let processes of the same user and sandbox open what this process has open, by its paths in ``/proc``.

    A change of user, or of capabilities, forbids that.
    """
    prctl(_PR_SET_DUMPABLE, 1)


def be_killed_first() -> None:
    """Let the kernel kill this process and its descendants first when memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def bound_thread_memory(stack: int) -> None:
    """Make each thread of this process and its descendants use little address space, if the C library supports it.

    Otherwise glibc reserves the main thread's stack limit, usually 8 MiB, and an arena of 64 MiB for each.

    :param stack: bytes
    """
    with suppress(AttributeError):  # musl has neither function, and needs neither
        _libc.mallopt(_M_ARENA_MAX, 1)
        attributes = ctypes.create_string_buffer(_ATTRIBUTES_BYTES)
        _libc.pthread_attr_init(attributes)
        _libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(stack))
        _libc.pthread_setattr_default_np(attributes)
        _libc.pthread_attr_destroy(attributes)


def map_users(pid: int, uid: int, gid: int) -> None:
    """Map root, and another user and group, into a child's new user namespace; for root only."""
    Path(f"/proc/{pid}/uid_map").write_text(f"0 0 1\n{uid} {uid} 1\n")
    Path(f"/proc/{pid}/gid_map").write_text(f"0 0 1\n{gid} {gid} 1\n")


def drop_capabilities(*, bounding: bool) -> None:
    """Give up all capabilities.

    :param bounding: also empty the bounding set, if this process may
    """
    for capability in range(64 if bounding else 0):
        try:
            prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            break  # not permitted, or past the last one
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    _checked(_libc.capset(header, bytes(24)), "capset")


def map_own_user(uid: int, gid: int) -> None:
    """Map this process's former user into the user namespace that it has just created."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """Mount a file system, or bind a folder or file."""
    encode = os.fsencode
    result = _libc.mount(
        encode(source),
        encode(target),
        encode(kind) if kind else None,
        ctypes.c_ulong(flags),
        encode(options) if options else None,
    )
    _checked(result, f"mount {target}")


def restrict_mount(target: str, flags: int, *, recursive: bool = True) -> None:
    """Add ``MS_RDONLY``, ``MS_NOSUID``, … to a mount, and to those below it."""
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd; MOUNT_ATTR_* equal MS_* for these flags.
    attributes = struct.pack("=QQQQ", flags, 0, 0, 0)
    scope = _AT_RECURSIVE if recursive else 0
    _checked(
        _call(_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), scope, attributes, len(attributes)),
        f"mount_setattr {target}",
    )


def enter_root(folder: str) -> None:
    """Make a mounted folder this namespace's root, and detach the old one."""
    if _PIVOT_ROOT is None:
        raise OSError(f"pivot_root: unknown for {platform.machine()}")
    os.chdir(folder)
    _checked(_call(_PIVOT_ROOT, b".", b"."), "pivot_root")
    # The old root is now stacked on the new one (pivot_root(2), section on ".").
    _checked(_libc.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")


def landlock_abi() -> int:
    """Return the version of Landlock that this kernel offers; 0 for none."""
    return max(0, _call(_LANDLOCK_CREATE_RULESET, None, 0, 1))


# The file system rights, by the ABI that introduced them (landlock(7)).
_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read_file, read_dir
_WRITE = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_ON_FILES = 1 << 0 | 1 << 1 | 1 << 2 | _TRUNCATE | _IOCTL_DEVICE  # the rights that a rule for a file may have


def landlock(readable: list[str], writable: list[str]) -> None:
    """Limit this process and its descendants to seeing these paths, and to changing those in the second list.

    TCP is denied from ABI 4 on; signals and abstract sockets to outside processes from ABI 6 on.

    :raises OSError: if this kernel has no Landlock
    """
    abi = landlock_abi()
    everything = _READ | _writes(abi)
    attributes = struct.pack("=QQQ", everything, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    _restrict(attributes[:size], [(path, _READ) for path in readable] + [(path, everything) for path in writable])


def landlock_writes(writable: list[str]) -> None:
    """Limit this process and its descendants to changing these paths; what they can see stays the same.

    Signals and abstract sockets to outside processes are denied from ABI 6 on.

    :raises OSError: if this kernel has no Landlock
    """
    abi = landlock_abi()
    rights = _writes(abi)
    attributes = struct.pack("=QQQ", rights, 0, 3)
    _restrict(attributes[: 24 if abi >= 6 else 8], [(path, rights) for path in writable])


def _writes(abi: int) -> int:
    rights = _WRITE
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEVICE)):
        rights |= right if abi >= since else 0
    return rights


def _restrict(attributes: bytes, rules: list[tuple[str, int]]) -> None:
    ruleset = _checked(_call(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0), "landlock")
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights)
        forbid_new_privileges()
        _checked(_call(_LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # a path that doesn't exist, or isn't reachable, needs no permission
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, handle)
        _checked(_call(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0), f"landlock {path}")
    finally:
        os.close(handle)
