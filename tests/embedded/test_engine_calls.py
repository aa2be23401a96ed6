"""System calls that a storlet is refused, while it is imported and while it runs."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.embedded import control
from storlet_shell.embedded.sandbox import seccomp

from .kernels import COLUMN
from .storlets import Client, storlet

# x86-64's numbers and arm64's, and arguments with which the call is allowed elsewhere, or fails differently.
CALLS = {
    "unshare": ((272, 97), "0x10000000"),
    "setns": ((308, 268), "0, 0"),
    "clone into a user namespace": ((56, 220), "0x10000000 | 17, 0, 0, 0, 0"),
    "clone into a network namespace": ((56, 220), "0x40000000 | 17, 0, 0, 0, 0"),
    "clone with more than a warm parent's": ((56, 220), "0x78000000 | 17, 0, 0, 0, 0"),
    "chroot": ((161, 51), "b'/'"),
    "mount": ((165, 40), "b'none', b'/tmp', b'tmpfs', 0, 0"),
    "umount2": ((166, 39), "b'/tmp', 2"),
    "pivot_root": ((155, 41), "b'/', b'/'"),
    "fsopen": ((430, 430), "b'tmpfs', 0"),
    "open_tree": ((428, 428), "-100, b'/', 1"),
    "keyctl": ((250, 219), "0, -3, 0"),
    "add_key": ((248, 217), "b'user', b'a', b'b', 1, -3"),
    "request_key": ((249, 218), "b'user', b'secret', 0, 0"),
    "bpf": ((321, 280), "0, 0, 0"),
    "userfaultfd": ((323, 282), "1"),
    "perf_event_open": ((298, 241), "0, 0, -1, -1, 0"),
    "name_to_handle_at": ((303, 264), "-100, b'/', 0, 0, 0"),
    "open_by_handle_at": ((304, 265), "0, 0, 0"),
    "ptrace": ((101, 117), "0, 0, 0, 0"),
    "process_vm_readv": ((310, 270), "1, 0, 0, 0, 0, 0"),
    "pidfd_getfd": ((438, 438), "0, 0, 0"),
    "personality": ((135, 92), "0xffffffff"),
    "memfd_create": ((319, 279), "b'x', 0"),
    "memfd_secret": ((447, 447), "0"),
    "shmget": ((29, 194), "0, 4096, 0o1600"),
    "semget": ((64, 190), "0, 1, 0o1600"),
    "msgget": ((68, 186), "0, 0o1600"),
    "mq_open": ((240, 180), "b'x', 0o102, 0o600, 0"),
    "inotify_init1": ((294, 26), "0"),
    "outliving the server": ((157, 167), "1, 0"),
    "outliving it with more bits": ((157, 167), "1, 0x100000000"),
    "typing into a terminal": ((16, 29), "0, 0x5412, b'x'"),
    "typing with more bits": ((16, 29), "0, 0x100005412, b'x'"),
}
MISSING = {
    "clone3": ((435, 435), "0, 0"),
    "io_uring_setup": ((425, 425), "1, 0"),
    "a later call": ((460, 460), "0, 0, 0, 0"),
    "an x32 call": ((0x40000000 + 272, 0x40000000 + 272), "0x10000000"),
}
PLACES = pytest.mark.parametrize("place", ["import", "run"])

TRY = """
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    arguments = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    if libc.syscall(ctypes.c_long(number), *arguments) == 0 and number in (56, 220) and os.getppid() != parent:
        os._exit(0)
    return ctypes.get_errno()
def sock(*arguments):
    try:
        socket.socket(*arguments).close()
    except OSError as error:
        return error.errno
parent = os.getppid()
"""


def answers(client: Client, place: str, actions: dict[str, str]) -> dict[str, Any]:
    """Let a storlet do things, at its import or in its run; return what came of each."""
    lines = f"results = {{{', '.join(f'{name!r}: {action}' for name, action in actions.items())}}}\n"
    top, call = (TRY + lines, "") if place == "import" else (TRY, lines)
    end = "import json; out.set_metadata({}); out.write(json.dumps(results).encode())"
    client.deploy("calls.py", storlet(call + end, "import os\n" + top))
    return dict(client.result("calls.py", "/c/o"))


@PLACES
def test_dangerous_calls_are_refused(client: Client, place: str) -> None:
    """Each fails with an ordinary error, at the import too, though its process may make namespaces for runs."""
    actions = {
        name: f"call({numbers[COLUMN]}, {arguments})" for name, (numbers, arguments) in (CALLS | MISSING).items()
    }
    result = answers(client, place, actions)
    wanted = dict.fromkeys(CALLS, errno.EPERM) | dict.fromkeys(MISSING, errno.ENOSYS)
    assert {name: errno.errorcode.get(number, number) for name, number in result.items()} == {
        name: errno.errorcode[number] for name, number in wanted.items()
    }


@PLACES
def test_sockets_are_local_ones(client: Client, place: str) -> None:
    """No family but AF_UNIX: neither IP nor packets, netlink, virtual machines, Bluetooth or the kernel's ciphers."""
    families = {"inet": 2, "inet6": 10, "netlink": 16, "packet": 17, "bluetooth": 31, "alg": 38, "vsock": 40, "xdp": 44}
    actions = {name: f"sock({number}, socket.SOCK_DGRAM)" for name, number in families.items()}
    actions |= {
        "unix": "sock(1)",
        "pair": "[end.close() for end in socket.socketpair()]",
        "wide": f"call({(41, 198)[COLUMN]}, 2**32 + 2, 1, 0)",
    }
    result = answers(client, place, actions)
    assert (result.pop("unix"), result.pop("pair")) == (None, [None, None])
    assert set(result.values()) == {errno.EAFNOSUPPORT}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="32-bit calls are x86's")
def test_calls_of_another_architecture_are_missing(client: Client) -> None:
    """What a 64-bit process calls as a 32-bit one, past the filter's numbers, is not there."""
    # mov eax, 310 (unshare); mov ebx, 0x10000000; int 0x80; ret
    code = bytes.fromhex("53b836010000bb00000010cd805bc3")
    run = f"""
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, prot=7)
        page.write({code!r})
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        out.set_metadata({{}}); out.write(str(result).encode())
        """
    client.deploy("old.py", storlet(run))
    answer = client.run("old.py", "/c/o")
    assert answer.body == str(-errno.ENOSYS).encode() or answer.failure == "killed", answer  # a kernel without them


# It makes the user namespace that a run gets, and tries what its capabilities are for.
INSIDE = """
import ctypes, json, os, socket, sys
linux, seccomp = (sys.modules[f"storlet_shell.embedded.sandbox.{name}"] for name in ("linux", "seccomp"))
reader, writer = os.pipe()
pid = linux.spawn(0x10000000 | 0x20000000 | 0x08000000)
if pid == 0:
    libc, errors = ctypes.CDLL(None, use_errno=True), {}
    def try_(name, result):
        errors[name] = ctypes.get_errno() if result < 0 else 0
    status = open("/proc/self/status").read()
    try_("chroot", libc.chroot(b"/tmp"))
    try_("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
    try_("fsopen", libc.syscall(430, b"tmpfs", 0))
    try_("unshare", libc.unshare(0x40000000))
    try_("sethostname", libc.sethostname(b"x", 1))
    try_("packet", libc.socket(17, 3, 0))
    try_("device", libc.mknod(b"/tmp/device", 0o20600, 259))
    try_("owner", libc.chown(b"/tmp", 0, 0))
    os.write(writer, json.dumps(errors).encode())
    os._exit(0)
os.close(writer)
result = os.read(reader, 65536)
"""


def test_capabilities_of_a_user_namespace_are_of_no_use(client: Client) -> None:
    """Import code can begin the namespaces of a run; what it may do in them is what it may do anyway."""
    client.deploy("inside.py", storlet("out.set_metadata({}); out.write(result)", INSIDE))
    result = client.result("inside.py", "/c/o")
    assert result.pop("packet") == errno.EAFNOSUPPORT
    assert set(result.values()) <= {errno.EPERM, errno.EINVAL}, result


@pytest.fixture
def key() -> Iterator[str]:
    """Add a key to this process's session keyring, and to the user's, and start a Swift that inherits both."""
    libc = ctypes.CDLL(None, use_errno=True)
    add, keyctl = ((248, 250), (217, 219))[COLUMN]
    name = f"storlet-shell-test-{os.getpid()}"
    keys = [libc.syscall(add, b"user", f"{name}-{ring}".encode(), b"secret", 6, ring) for ring in (-3, -4)]
    if min(keys) < 0:
        pytest.skip("this kernel has no keyrings")
    yield name
    for number, ring in zip(keys, (-3, -4), strict=True):
        libc.syscall(keyctl, 9, number, ring)


@pytest.mark.slow
def test_keys_are_not_inherited(key: str) -> None:
    """A storlet, and its import, see no key of the user's who started the server."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True)) as lease:
        client = Client(lease.running)
        client.request("PUT", "/c")
        client.put("/c/o", b"x")
        see = "open('/proc/keys').read() if os.path.exists('/proc/keys') else ''"
        code = storlet(f"out.set_metadata({{}}); out.write((keys + {see}).encode())", f"import os\nkeys = {see}")
        client.deploy("keys.py", code)
        result = client.run("keys.py", "/c/o").text
        client.close()
    assert key not in result


def test_a_run_can_begin_no_namespace(client: Client) -> None:
    """Not even those that its warm parent has begun for it."""
    client.deploy("inside.py", storlet(INSIDE.strip()))
    assert "clone: Operation not permitted" in client.run("inside.py", "/c/o").text


def numbers(machine: str, namespaces: int) -> dict[str, int]:
    """Run the filter's program of an architecture, by hand, over calls; return the errors' numbers."""
    column, architecture = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}[machine]
    results = {}
    for name, (call, arguments) in (CALLS | MISSING).items():
        words = [word.strip() for word in arguments.replace(" | 17", "").split(",")]
        values = [int(word, 0) if word[0] in "-0123456789" else 0 for word in words]
        values[0] |= 17 if " | 17" in arguments else 0
        results[name] = interpret(seccomp.calls(machine, namespaces), architecture, call[column], values)
    return results


def interpret(program: list[tuple[int, int, int, int]], architecture: int, number: int, values: list[int]) -> int:
    """Do as the kernel does with a program; return the error's number, 0 if the call is allowed."""
    data = {0: number, 4: architecture} | {16 + 8 * place: value & 0xFFFFFFFF for place, value in enumerate(values)}
    at = accumulator = 0
    while True:
        code, true, false, operand = program[at]
        at += 1
        if code == 0x06:
            return operand & 0xFFFF if operand >> 16 == 5 else 0
        if code == 0x20:
            accumulator = data.get(operand, 0)
            continue
        test = {0x15: accumulator == operand, 0x25: accumulator > operand, 0x45: bool(accumulator & operand)}[code]
        at += true if test else false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_both_architectures_refuse_the_same(machine: str) -> None:
    """The programs for x86-64 and arm64 refuse the same calls, and allow what every process needs."""
    wanted = dict.fromkeys(CALLS, errno.EPERM) | dict.fromkeys(MISSING, errno.ENOSYS)
    run = 0x10000000 | 0x20000000 | 0x08000000
    assert numbers(machine, run) == wanted
    column, architecture = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}[machine]
    program = seccomp.calls(machine, run)
    for call in ((0, 63), (1, 64), (257, 56), (59, 221), (157, 167)):  # read, write, openat, execve, prctl
        assert interpret(program, architecture, call[column], [0]) == 0
    assert interpret(program, architecture, (157, 167)[column], [1, 9]) == 0  # an invocation asks to be killed
    clone = (56, 220)[column]
    for flags, number in ((17, 0), (0x3D0F00, 0), (run | 17, 0), (run, errno.EPERM), (run | 0x20000 | 17, errno.EPERM)):
        assert interpret(program, architecture, clone, [flags]) == number
    assert interpret(program, 0x40000003, 3, [0]) == errno.ENOSYS
