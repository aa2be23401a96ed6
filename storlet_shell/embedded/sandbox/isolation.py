"""Confine a storlet's process to its own code, its scratch folder, and the descriptors passed to it.

Two layers don't rely on each other. Namespaces give it a process tree, a network without interfaces, and a file system
with nothing but what was put there. Landlock denies every path that isn't listed, whatever is mounted. In addition, a
filter refuses system calls that no storlet needs, so that neither can be bypassed. A kernel or a container's policy may
refuse each of them, so :func:`probe` tries them, and :attr:`Sandbox.description` tells what is in force.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from storlet_shell.embedded.sandbox import linux, seccomp

# Of a warm parent; and of each of its invocations, within these.
_VERSION = (
    linux.CLONE_NEWUSER
    | linux.CLONE_NEWNS
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWUTS
)
_INVOCATION = linux.CLONE_NEWUSER | linux.CLONE_NEWPID | linux.CLONE_NEWIPC

NOBODY = 65534

_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/opt")
_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "passwd", "ssl")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SCRATCH = "/tmp"  # noqa: S108  the sandbox's own, an empty file system in memory
SHARED_MEMORY = "/dev/shm"  # noqa: S108  a folder of the same file system, so that its bytes count
_MOST_DESCRIPTORS = 1024  # as in a login shell; sockets and pipes take memory that no process limit counts
_MOST_NAMESPACES = 512  # for a version; its invocations need 33 of each kind, and the kernel ends them slowly
_MOST_SIGNALS = 256  # pending signals, and timers; the kernel counts them for the server's user as well
_LEAST_STACK = 512 << 10
_USUAL_STACK = 8 << 20


@dataclass(frozen=True)
class Sandbox:
    """The restrictions that this kernel lets us enforce on a storlet.

    :ivar namespaces: whether it has its own processes, network, mounts and System V objects
    :ivar landlock: the version of Landlock in force; 0 for none
    :ivar refused: why there are no namespaces; empty if there are
    :ivar seccomp: whether system calls are filtered
    """

    namespaces: bool = False
    landlock: int = 0
    refused: str = ""
    seccomp: bool = False

    @property
    def network(self) -> str:
        """How far storlets are kept from the network: ``closed``, ``no IP``, ``no TCP`` or ``open``.

        A network namespace has no interface, but virtual machine sockets (AF_VSOCK) don't belong to one.
        """
        if self.seccomp:
            return "closed"
        return "no IP" if self.namespaces else "no TCP" if self.landlock >= 4 else "open"

    @property
    def ipc(self) -> bool:
        """Whether storlets can't use others' System V objects, POSIX queues and keyrings, and leave none behind."""
        return self.namespaces or self.seccomp

    @property
    def memory(self) -> str:
        """The scope of the memory limit."""
        return "each process" if self.seccomp else "each process, without files in memory (memfd)"

    @property
    def files(self) -> bool:
        """Whether storlets are kept from the files around them."""
        return self.namespaces or self.landlock > 0

    @property
    def description(self) -> str:
        """The restrictions in force, in one line for ``local status``."""
        parts = [f"Landlock {self.landlock}" if self.landlock else "no Landlock"]
        parts.insert(0, "namespaces" if self.namespaces else f"no namespaces ({self.refused})")
        parts.append("seccomp" if self.seccomp else "no seccomp")
        holds = {
            "closed": "no network",
            "no IP": "no IP network, AF_VSOCK open",
            "no TCP": "no TCP, other protocols open",
            "open": "NETWORK OPEN",
        }[self.network]
        files = "files read-only outside the scratch folder" if self.files else "FILES OPEN"
        processes = "" if self.namespaces else ", processes not counted"
        ipc = "" if self.ipc else ", SHARED MEMORY AND KEYRINGS OPEN"
        return f"{', '.join(parts)}: {holds}, {files}{processes}{ipc}"

    def as_data(self) -> dict[str, Any]:
        """Return the facts as plain data, for messages and ``/info``."""
        facts = {name: getattr(self, name) for name in ("network", "files", "ipc", "memory", "description")}
        return asdict(self) | facts

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Sandbox:
        """Return the sandbox that :meth:`as_data` describes."""
        return cls(**{name: data[name] for name in ("namespaces", "landlock", "refused", "seccomp")})


@dataclass(frozen=True)
class Place:
    """What a deployed storlet version may reach.

    :ivar folder: its code and dependencies, readable
    :ivar root: an empty folder, on which visible files are mounted
    :ivar hidden: a folder that stays hidden even inside a readable one: the server's data
    :ivar imports: folders of Python modules, readable
    :ivar scratch_bytes: the size of its scratch folder
    :ivar shown: the engine's own files for storlets, readable even below the hidden folder
    """

    folder: str
    root: str
    hidden: str
    imports: tuple[str, ...] = ()
    scratch_bytes: int = 64 << 20
    shown: tuple[str, ...] = ()

    def readable(self) -> list[str]:
        """Return all readable paths outside the scratch folder."""
        prefixes = (sys.prefix, sys.base_prefix, sys.exec_prefix)
        wanted = [*_SYSTEM, *(f"/etc/{name}" for name in _ETC), *prefixes, *self.imports]
        paths = sorted({path for path in wanted if Path(path).exists()})
        outer = [path for path in paths if not any(path != other and _below(path, other) for other in paths)]
        return [part for path in outer for part in _without(path, self.hidden)] + [self.folder, *self.shown]


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _without(path: str, hidden: str) -> Iterator[str]:
    """Yield a folder, or those parts of it that don't contain the hidden one."""
    if not hidden or not _below(os.path.realpath(hidden), os.path.realpath(path)):
        yield path
        return
    if os.path.realpath(hidden) == os.path.realpath(path):
        return
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        yield from _without(entry.path, hidden)


def spawn(sandbox: Sandbox) -> int:
    """Fork into the namespaces in force here; return 0 in the child, which must call :func:`confine` next."""
    if not sandbox.namespaces:
        return linux.spawn()
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        return _spawn_as_root()
    pid = linux.spawn(_VERSION)
    if pid == 0:
        linux.map_own_user(user, group)
    return pid


def _spawn_as_root() -> int:
    """Fork into namespaces whose user namespace initially has root, and nobody.

    Root needs no user namespace for the others. But processes are limited for each user in each user namespace: without
    one, all storlets would be the same user nobody, and one of them could use up the processes of all.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        pid = linux.spawn(_VERSION)
        if pid == 0:
            if not os.read(reader, 1):  # waits until the users are mapped, or can't be
                os._exit(1)
            return 0
        try:
            linux.map_users(pid, NOBODY, NOBODY)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        os.write(writer, b"x")
        return pid
    finally:
        os.close(reader)
        os.close(writer)


def spawn_invocation(sandbox: Sandbox) -> int:
    """Fork a warm parent into an invocation's namespaces; return 0 in the child, for :func:`confine_invocation`.

    When the first process of its process namespace ends, so does every process that the storlet has started. No user is
    mapped into its user namespace, so that it can't create another one (user_namespaces(7)). A second filter that
    refused that as well would cost a millisecond, more than all the rest.
    """
    return linux.spawn(_INVOCATION if sandbox.namespaces else 0)


def confine(sandbox: Sandbox, place: Place) -> None:
    """Irrevocably give up what a storlet must not have; its code may run after this."""
    readable = place.readable()
    if sandbox.namespaces:
        linux.bound_namespaces(_MOST_NAMESPACES)
        _build_root(place, readable)
        # PID 1 of these namespaces: when it ends, so does every process in them.
    else:
        linux.adopt_orphans()
    if os.geteuid() == 0:
        os.setgroups([])
    if runs_as_nobody(sandbox):
        _become_nobody()
    linux.drop_capabilities(bounding=True)
    linux.forbid_new_privileges()
    linux.die_with_parent()  # after the change of user, which resets it
    if sandbox.landlock:
        linux.landlock([*readable, "/proc", *_DEVICES], [scratch_root(sandbox, place), *_shared(sandbox), *_DEVICES])
    if sandbox.seccomp:
        seccomp.forbid_dangerous_calls(_INVOCATION if sandbox.namespaces else 0)


def confine_invocation(sandbox: Sandbox, scratch: str) -> None:
    """Confine an invocation to its own scratch folder."""
    linux.die_with_parent()
    linux.drop_capabilities(bounding=False)  # the new user namespace has granted all of them, within it
    if sandbox.landlock:
        linux.landlock_writes([scratch, *_shared(sandbox), *_DEVICES])


def _shared(sandbox: Sandbox) -> list[str]:
    """Return the folder of shared memory; without namespaces, that is the machine's own and must not be touched."""
    return [SHARED_MEMORY] if sandbox.namespaces else []


def scratch_root(sandbox: Sandbox, place: Place) -> str:
    """Return the folder that contains invocations' scratch folders."""
    return SCRATCH if sandbox.namespaces else place.folder + ".scratch"


def runs_as_nobody(sandbox: Sandbox) -> bool:
    """Whether storlets run as the user nobody, if the server runs as root.

    Without a file system of their own they stay root, without its capabilities: the user nobody can't reach the data
    folder, which contains their code, and often can't reach Python, either.
    """
    return sandbox.namespaces and os.geteuid() == 0


def limit(memory: int, files: int, threads: int) -> None:
    """Limit the resources of one process; must be called while ``/proc`` is mounted.

    :param memory: bytes of address space in addition to what this process already uses
    :param files: the maximum size of a file, in bytes
    :param threads: the number of threads that must fit into half of the memory
    """
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: used + memory,
        resource.RLIMIT_FSIZE: files,
        resource.RLIMIT_NOFILE: _MOST_DESCRIPTORS,
        resource.RLIMIT_SIGPENDING: _MOST_SIGNALS,
    }
    for which, value in limits.items():
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))
    linux.bound_thread_memory(min(_USUAL_STACK, max(_LEAST_STACK, memory // (2 * threads) & -resource.getpagesize())))


def limit_processes(processes: int, maximum: int) -> None:
    """Limit the number of simultaneous processes and threads in this process's user namespace.

    :param maximum: the value that the limit may be raised to later
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    maximum = maximum if hard == resource.RLIM_INFINITY else min(maximum, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (min(processes, maximum), maximum))


def _become_nobody() -> None:
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _build_root(place: Place, readable: list[str]) -> None:
    """Create a file system of visible files, and enter it."""
    quiet = linux.MS_NOSUID | linux.MS_NODEV
    root = place.root
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", root, "tmpfs", quiet, "size=1m,mode=755")
    Path(root + SCRATCH).mkdir()
    linux.mount("tmpfs", root + SCRATCH, "tmpfs", quiet, f"size={place.scratch_bytes},nr_inodes=16384,mode=1777")
    shared = Path(f"{root}{SCRATCH}/.shm")
    shared.mkdir()
    shared.chmod(0o1777)
    _show(str(shared), root + SHARED_MEMORY, quiet | linux.MS_NOEXEC)
    for path in readable:
        _show(path, root + path, quiet | linux.MS_RDONLY)
    for device in _DEVICES:
        _show(device, root + device, linux.MS_NOSUID)
    Path(root + "/proc").mkdir()
    # A container that masks parts of its own /proc doesn't allow another one; storlets do without it.
    with suppress(OSError):
        linux.mount("proc", root + "/proc", "proc", quiet | linux.MS_NOEXEC | linux.MS_RDONLY)
    linux.enter_root(root)
    linux.restrict_mount("/", linux.MS_RDONLY, recursive=False)


def _show(source: str, target: str, flags: int) -> None:
    """Bind a path into the new root; a symbolic link stays one."""
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_symlink():
        Path(target).symlink_to(Path(source).readlink())
        return
    Path(target).mkdir(exist_ok=True) if Path(source).is_dir() else Path(target).touch()
    linux.mount(source, target, flags=linux.MS_BIND | linux.MS_REC)
    linux.restrict_mount(target, flags)


def probe(place: Place) -> Sandbox:
    """Find out what this kernel enforces by trying it in a separate process."""
    parts = Sandbox(landlock=linux.landlock_abi(), seccomp=seccomp.is_offered())
    refused = _try(replace(parts, namespaces=True), place)
    return replace(parts, namespaces=not refused, refused=refused)


def _try(sandbox: Sandbox, place: Place) -> str:
    """Return why this sandbox can't be created; an empty text if it can."""
    reader, writer = os.pipe()
    try:
        pid = spawn(sandbox)
    except OSError as error:
        os.close(reader)
        os.close(writer)
        return str(error)
    if pid == 0:
        _report(sandbox, place, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read().decode()
    os.waitpid(pid, 0)
    return "" if answer == "ok" else answer or "the probe ended early"


def _report(sandbox: Sandbox, place: Place, writer: int) -> None:
    try:
        confine(sandbox, place)
        pid = spawn_invocation(sandbox)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        answer = "ok"
    except BaseException as error:  # in a forked child, nothing may propagate
        answer = str(error) or type(error).__name__
    os.write(writer, answer.encode())
    os._exit(0)
