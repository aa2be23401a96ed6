"""The resource limits of a storlet, and that it can use that much."""

from __future__ import annotations

import os
import textwrap
import threading
import time
from contextlib import closing

import pytest

from storlet_shell.embedded import control

from .storlets import Answer, Client, storlet
from .test_engine_load import descendants

WRITE = "out.set_metadata({}); out.write(repr(result).encode())"
TOP = "import subprocess, threading, multiprocessing\nfrom concurrent.futures import ProcessPoolExecutor\n"
SQUARE = TOP + "def square(number): return number * number\n"

WORKS = {
    "pool": "with multiprocessing.Pool(3) as pool: result = pool.map(square, range(5))",
    "executor": "with ProcessPoolExecutor(3) as pool: result = list(pool.map(square, range(5)))",
    "spawned": """
        context = multiprocessing.get_context("spawn")
        with context.Pool(2) as pool: result = pool.map(abs, [-0, -1, -4, -9, -16])
        """,
    "queue": """
        queue, lock = multiprocessing.Queue(), multiprocessing.Lock()
        workers = [multiprocessing.Process(target=lambda n=n: queue.put(n * n)) for n in range(5)]
        for worker in workers: worker.start()
        result = sorted(queue.get() for _ in workers)
        for worker in workers: worker.join()
        """,
    "shared memory": """
        from multiprocessing.shared_memory import SharedMemory
        memory = SharedMemory(create=True, size=5)
        def fill(name):
            other = SharedMemory(name=name); other.buf[:5] = bytes([0, 1, 4, 9, 16]); other.close()
        worker = multiprocessing.Process(target=fill, args=(memory.name,))
        worker.start(); worker.join()
        result = list(memory.buf[:5])
        memory.close(); memory.unlink()
        """,
    "manager": "with multiprocessing.Manager() as manager: result = list(manager.list([0, 1, 4, 9, 16]))",
    "python": """
        code = "print([number * number for number in range(5)])"
        result = eval(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
        """,
    "threads": """
        result = [None] * 5
        def run(number): result[number] = number * number
        threads = [threading.Thread(target=run, args=(number,)) for number in range(5)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
}


def call(lines: str) -> str:
    """Return a storlet's code that writes what it calls ``result``."""
    return storlet(f"{textwrap.dedent(lines).strip()}\n{WRITE}", SQUARE)


QUICK = ("pool", "shared memory", "threads")


@pytest.mark.parametrize(
    "case", [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in WORKS]
)
def test_processes_and_threads_work(client: Client, case: str) -> None:
    """Python's modules for processes and threads work in a storlet."""
    client.deploy("works.py", call(WORKS[case]))
    answer = client.run("works.py", "/c/o")
    assert (answer.status, answer.text) == (200, "[0, 1, 4, 9, 16]"), (answer, client.log("works.py"))


def test_so_many_threads_and_no_more(client: Client) -> None:
    """A storlet can have sixty-four processes and threads, itself among them, and they find room in its memory."""
    count = """
        wait, result = threading.Event(), 1
        try:
            while result < 100:
                threading.Thread(target=wait.wait, daemon=True).start()
                result += 1
        except RuntimeError:
            pass
        wait.set()
        """
    client.deploy("threads.py", call(count))
    answer = client.run("threads.py", "/c/o")
    assert answer.text == "64", answer


@pytest.mark.slow
def test_so_many_processes_and_no_more(client: Client) -> None:
    """Processes count like threads, in a run and at the import."""
    count = """
        result = 1
        try:
            while result < 100:
                if os.fork() == 0:
                    time.sleep(9)
                result += 1
        except OSError:
            pass
        """
    client.deploy("processes.py", call(count))
    assert client.run("processes.py", "/c/o").text == "64"
    top = f"import os, time\n{textwrap.dedent(count)}"
    client.deploy("imports.py", storlet("out.set_metadata({}); out.write(repr(result).encode())", top))
    assert client.run("imports.py", "/c/o").text == "64"


@pytest.mark.slow
def test_an_import_s_processes_take_nobody_else_s(client: Client) -> None:
    """What one storlet's import starts ends with the import; until then, others have all that is theirs."""
    before = len(descendants(client))
    holds = "import os, time\nfor _ in range(40):\n    if os.fork() == 0: time.sleep(60)\ntime.sleep(1)\n"
    for number in range(3):
        client.deploy(f"holds{number}.py", storlet("out.set_metadata({}); out.write(b'')", holds))
    client.deploy("needs.py", call("with multiprocessing.Pool(50) as pool: result = pool.map(square, range(5))"))
    answers: list[Answer] = []

    def run(number: int) -> None:
        peer = Client(client.running)
        answers.append(peer.run(f"holds{number}.py", "/c/o"))
        peer.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(descendants(client)) < before + 100 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.run("needs.py", "/c/o").text == "[0, 1, 4, 9, 16]"
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 3
    assert len(descendants(client)) < before + 20


FILLS = {
    "deep": "for _ in range(1500): os.mkdir('d'); os.chdir('d')",
    "deep and closed": """
        for _ in range(1500): os.mkdir('d'); os.chdir('d')
        for _ in range(1500): os.chdir('..'); os.chmod('d', 0)
        """,
    "many": """
        try:
            for number in range(20000): open(str(number), 'w').close()
        except OSError: pass
        """,
    "names": """
        for number in range(300): os.makedirs(f'.moved-{number}/.moved-{number + 1}/.moved-1')
        for name in (b'\\xff', b'\\n', b'-rf', b'x' * 255): os.mkdir(name); open(name + b'/' + name, 'w').close()
        """,
    "closed": """
        os.makedirs('a/b/c'); open('a/b/c/d', 'w').close(); os.symlink('/', 'a/link'); os.mkfifo('a/pipe')
        for name in ('a/b/c/d', 'a/b/c', 'a/b', 'a', '.'): os.chmod(name, 0)
        """,
    "open": "files = [open(str(number), 'wb') for number in range(500)]\nfor file in files: file.write(bytes(100000))",
}


SLOW = ("deep and closed", "many", "open")


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case in SLOW else case for case in FILLS]
)
def test_a_scratch_folder_is_emptied_whatever_is_in_it(client: Client, case: str) -> None:
    """It is gone after the run, with all of its bytes and files, and nothing happens to other runs of that storlet."""
    fill = textwrap.indent(textwrap.dedent(FILLS[case]).strip(), "    ")
    state = """
        disk = os.statvfs('/tmp')
        result = [disk.f_blocks - disk.f_bfree <= 64, disk.f_files - disk.f_ffree <= 16]
        """
    client.deploy("fills.py", call(f"if 'fill' in params:\n{fill}\n{textwrap.dedent(state)}"))
    assert client.run("fills.py", "/c/o").text == "[True, True]"
    for _ in range(2):
        assert client.run("fills.py", "/c/o", fill="1").status == 200
        deadline = time.monotonic() + 10
        while (answer := client.run("fills.py", "/c/o")).text != "[True, True]":
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)


@pytest.mark.slow
def test_shared_memory_is_bounded_and_emptied(client: Client) -> None:
    """/dev/shm counts with the scratch folder, and what one run leaves there is gone in the next."""
    fill = """
        result = os.listdir('/dev/shm')
        os.makedirs('/dev/shm/a/b')
        os.chmod('/dev/shm/a', 0)
        try:
            for number in range(20): open(f'/dev/shm/{number}', 'wb').write(bytes(12 << 20))
        except OSError as error: result.append(error.errno)
        """
    client.deploy("shares.py", call(fill))
    for _ in range(2):
        assert client.run("shares.py", "/c/o").text == "[28]"


def test_memory_of_no_process_can_t_be_had(client: Client) -> None:
    """Neither files in memory nor System V segments, which no limit of a process counts."""
    tries = """
        import ctypes
        result, libc = [], ctypes.CDLL(None, use_errno=True)
        try: os.memfd_create('x')
        except OSError as error: result.append(error.errno)
        libc.shmget(0, 1 << 20, 0o1600)
        result.append(ctypes.get_errno())
        """
    client.deploy("memory.py", call(tries))
    assert client.run("memory.py", "/c/o").text == "[1, 1]"


def test_descriptors_are_bounded(client: Client) -> None:
    """A storlet can have a thousand open files, sockets and pipes, not as many as the server."""
    client.deploy("opens.py", call("import resource\nresult = resource.getrlimit(resource.RLIMIT_NOFILE)"))
    assert client.run("opens.py", "/c/o").text == "(1024, 1024)"


def test_timers_are_bounded(client: Client) -> None:
    """The kernel counts them, and signals that wait, for the user as well: a storlet leaves the user some."""
    tries = """
        import ctypes
        result, libc, timer = 0, ctypes.CDLL(None), ctypes.c_void_p()
        while result < 2000 and libc.timer_create(1, None, ctypes.byref(timer)) == 0: result += 1
        """
    client.deploy("timers.py", call(tries))
    assert 0 < int(client.run("timers.py", "/c/o").text) <= 256


HOARD = """
import ctypes, os, socket
libc, count = ctypes.CDLL(None, use_errno=True), 0
own, other = socket.socketpair()
while count < 700:
    pid = libc.syscall(NUMBER, 0x10000000 | 0x20000000 | 0x08000000 | 17, 0, 0, 0, 0)
    if pid == 0:
        socket.send_fds(other, [b"x"], [os.open("/proc/self/ns/user", os.O_RDONLY)])
        os._exit(0)
    if pid < 0:
        break
    held = socket.recv_fds(own, 1, 1)
    os.waitpid(pid, 0)
    count += 1
result = count, os.strerror(ctypes.get_errno())
for number in range(10, 1024):
    try: os.readlink(f"/proc/self/fd/{number}").startswith("user:") and os.close(number)
    except OSError: pass
"""


@pytest.mark.slow
def test_namespaces_are_bounded(swift: control.Running) -> None:
    """Import code that keeps those that it begins takes none of those of other storlets, which are the same user's."""
    top = HOARD.replace("NUMBER", {"x86_64": "56", "aarch64": "220"}[os.uname().machine])
    with closing(Client(swift)) as client:
        client.request("PUT", "/c")
        client.put("/c/o", b"x")
        client.deploy("hoard.py", storlet("out.set_metadata({}); out.write(repr(result).encode())", top))
        result = client.run("hoard.py", "/c/o").text
    assert result in ("(511, 'No space left on device')", "(512, 'No space left on device')")


def test_nothing_of_the_starter_s_is_inherited(client: Client) -> None:
    """Neither groups, nor a terminal, nor blocked or ignored signals, nor limits that a storlet could use."""
    see = """
        status = dict(line.split(':', 1) for line in open('/proc/self/status'))
        result = [os.getgroups() in ([], [65534]), status['SigBlk'].strip('0 \\t\\n'), os.getsid(0) in (0, os.getpid())]
        try: open('/dev/tty')
        except OSError: result.append('no terminal')
        result.append([status[name].strip('0 \\t\\n') for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb')])
        result.append(status['Seccomp'].strip())
        result.append(open('/proc/self/oom_score_adj').read().strip())
        """
    client.deploy("sees.py", call(see))
    assert client.run("sees.py", "/c/o").text == "[True, '', True, 'no terminal', ['', '', '', ''], '2', '1000']"


@pytest.mark.slow
def test_a_forked_process_ends_by_a_signal_at_once(client: Client) -> None:
    """Also by one that comes while it is being forked, as multiprocessing's pools send them."""
    tries = """
        import os, signal, time
        for _ in range(100):
            pid = os.fork()
            if not pid:
                time.sleep(60)
                os._exit(0)
            os.kill(pid, signal.SIGTERM)
            status = os.waitpid(pid, 0)[1]
        result = os.waitstatus_to_exitcode(status)
        """
    client.deploy("forks.py", call(tries))
    assert client.run("forks.py", "/c/o").text == "-15"
