"""Java storlets in the embedded Swift, each run with a JVM of its own."""

from __future__ import annotations

import os
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import psutil
import pytest

from storlet_shell.embedded import control
from storlet_shell.embedded.control import Settings
from storlet_shell.java import program
from storlet_shell.java.compiler import interface_jar, jar_of, runner_jar
from storlet_shell.java.jdk import find_program
from tests.support.jars import needs_jdk

from .conftest import ended
from .jars import CASES, build, deploy_cases, processes
from .storlets import IDENTITY, PROXY, Client

pytestmark = [pytest.mark.slow, needs_jdk]

NAME = "cases-1.0.jar"
BINARY = bytes(range(256)) * 1000


@pytest.fixture(scope="module", autouse=True)
def _deployed(strict: control.Running) -> None:
    """Deploy the cases once."""
    client = Client(strict)
    client.request("PUT", "/c")
    deploy_cases(client, NAME)
    client.close()


@pytest.mark.parametrize("headers", [{}, PROXY], ids=["node", "proxy"])
@pytest.mark.parametrize("body", [b"", b"x", BINARY, bytes(8 << 20)], ids=["empty", "byte", "binary", "large"])
def test_a_jar_copies_whatever_it_reads(client: Client, body: bytes, headers: dict[str, str]) -> None:
    """The body comes back as it is, with its metadata."""
    client.put("/c/body", body, {"X-Object-Meta-Colour": "r\u00e9d"})
    answer = client.run(NAME, "/c/body", headers)
    assert (answer.status, answer.whole) == (200, True), answer.text
    assert answer.body == body
    assert answer.headers["X-Object-Meta-Colour"] == client.request("HEAD", "/c/body").headers["X-Object-Meta-Colour"]


@pytest.mark.parametrize("headers", [{}, PROXY], ids=["node", "proxy"])
def test_a_range_is_all_that_it_reads(client: Client, headers: dict[str, str]) -> None:
    """It gets the bytes of the range only."""
    client.put("/c/range", BINARY)
    answer = client.run(NAME, "/c/range", {"X-Storlet-Range": "bytes=100-1099", **headers})
    assert answer.body == BINARY[100:1100]


def test_an_upload_and_a_copy_store_its_result(client: Client) -> None:
    """PUT and COPY store what the storlet writes, and the metadata that it sets."""
    client.put("/c/source", BINARY)
    headers = {"X-Run-Storlet": NAME, "X-Storlet-Parameter-0": "action:metadata", "X-Storlet-Parameter-1": "shade:deep"}
    assert client.request("PUT", "/c/uploaded", headers, BINARY).status == 201
    copied = client.request("COPY", "/c/source", {"X-Run-Storlet": NAME, "Destination": "c/copied"})
    assert copied.status == 201, copied.text
    uploaded = client.request("GET", "/c/uploaded")
    assert uploaded.headers["X-Object-Meta-Shade"] == "deep"
    assert uploaded.body == b"emptied"  # the map, as by upstream's setMetadata
    assert client.request("GET", "/c/copied").body == BINARY


def test_parameters_and_metadata_are_text(client: Client) -> None:
    """A parameter beyond ASCII arrives whole, and metadata pass through JSON."""
    answer = client.run(NAME, "/c/o", action="metadata", quoted='say "\\" now', empty="")
    assert answer.status == 200, answer.text
    assert answer.headers["X-Object-Meta-Quoted"] == 'say "\\" now'


def test_several_inputs_are_read_in_order(client: Client) -> None:
    """Further inputs come in their order; an unread one fails the run by its Java name."""
    client.put("/c/second", b"2" * 10)
    headers = {"X-Storlet-Extra-Resources": "/c/second"}
    assert client.run(NAME, "/c/o", headers).body == b"x" * 1024 + b"2" * 10
    answer = client.run(NAME, "/c/o", headers, action="first")
    assert (answer.failure, answer.whole) == ("unread", True) or not answer.whole
    assert "inputs.get(1)" in client.log(NAME)


def test_ten_at_once_complete(client: Client) -> None:
    """Each of ten simultaneous runs gets its own object."""
    for number in range(10):
        client.put(f"/c/many-{number}", bytes([number]) * 300_000)

    def get(number: int) -> bytes:
        connection = client.connect()
        try:
            return client.run(NAME, f"/c/many-{number}", connection=connection).body
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(get, range(10))) == [bytes([number]) * 300_000 for number in range(10)]


FAILURES = {
    "throw": ("raised", "java.lang.IllegalStateException: no such column"),
    "throw silently": ("raised", "org.example.Cases$Silent"),
    "throw causes": ("raised", "java.lang.IllegalStateException: one of many"),
    "hoard": ("memory", "java.lang.OutOfMemoryError: Java heap space"),
    "hoard directly": ("memory", "java.lang.OutOfMemoryError: "),
    "loop": ("timeout", "it made no progress for 2 s, the time limit"),
    "exit": ("exited", "it called System.exit(3)"),
    "exit with a hook": ("exited", "it called System.exit, and its shutdown hooks didn't finish"),
    "halt": ("exited", "its process exited with status 4"),
    "crash": ("killed", "its process was killed by signal SIGSEGV"),
    "recurse": ("raised", "java.lang.StackOverflowError"),
    "nothing": ("metadata", "it ended without setMetadata()"),
    "body first": ("raised", "StorletException: java.io.IOException: setMetadata must be called before"),
    "unknown": ("raised", "org.openstack.storlet.common.StorletException: unknown"),
}


@pytest.mark.parametrize(("action", "kind", "text"), [(action, *failure) for action, failure in FAILURES.items()])
def test_a_failing_run_is_an_error_that_says_why(client: Client, action: str, kind: str, text: str) -> None:
    """The kind and the message tell what happened; the next run is not affected."""
    answer = client.run(NAME, "/c/o", action=action)
    assert (answer.failure, answer.status) in ((kind, 500), (kind, 503)), answer.text
    assert f"Storlet {NAME} failed ({kind}): " in answer.text
    assert text in answer.text
    assert client.run(NAME, "/c/o").status == 200


def test_a_failure_after_the_metadata_cuts_the_body_off(client: Client) -> None:
    """A client can't take half a result for a whole one, and nothing is stored."""
    assert not client.run(NAME, "/c/o", action="throw late").whole
    headers = {"X-Run-Storlet": NAME, "X-Storlet-Parameter-0": "action:throw late"}
    assert client.request("PUT", "/c/late", headers, b"x").status >= 400
    assert client.request("HEAD", "/c/late").status == 404


def test_the_log_has_the_stack_trace_and_all_that_is_printed(client: Client) -> None:
    """Of a trace, the engine's own frames are left out."""
    assert client.run(NAME, "/c/o", action="print").status == 200
    log = client.log(NAME)
    for line in ("to standard output", "to standard error", "to the log: \u20ac"):
        assert f"\n{line}\n" in log
    client.run(NAME, "/c/o", action="throw")
    trace = client.log(NAME).rpartition("\n---")[2]
    assert "java.lang.IllegalStateException: no such column\n\tat org.example.Cases.act(Cases.java:" in trace
    assert "Caused by: java.io.IOException: a cause" in trace
    assert "\tat org.example.Cases.invoke(Cases.java:" in trace
    assert "storletshell" not in trace
    client.run(NAME, "/c/o", action="exit")
    assert "System.exit(3)\n\tat org.example.Cases.act(Cases.java:" in client.log(NAME).rpartition("\n---")[2]


def test_a_run_may_change_its_list_of_inputs(client: Client) -> None:
    """They are closed all the same."""
    assert client.run(NAME, "/c/o", action="change inputs").body == b"changed"


def test_a_program_that_it_starts_finds_standard_input_empty(client: Client) -> None:
    """It doesn't read the JVM's orders, nor wait for them."""
    assert client.run(NAME, "/c/o", action="inherit").body == b"0"


LOADING = {
    "Cases$Failing": ("raised", 'java.lang.NumberFormatException: For input string: "seven" (in a static initializer)'),
    "Cases$Exiting": ("exited", "it called System.exit(5)"),
    "Cases$ExitingSlowly": ("exited", "it called System.exit, and its shutdown hooks didn't finish"),
    "Cases$Crashing": ("killed", "its process was killed by signal SIGSEGV"),
    "Cases$Unrelated": (
        "raised",
        "org.example.Cases$Unrelated doesn't implement org.openstack.storlet.common.IStorlet",
    ),
    "Cases$Demanding": ("raised", "org.example.Cases$Demanding has no public constructor without parameters"),
    "Cases$Endless": ("timeout", ""),
    "Missing": ("raised", "has no class org.example.Missing"),
}


@pytest.mark.parametrize(("main", "kind", "text"), [(main, *failure) for main, failure in LOADING.items()])
def test_a_class_that_cannot_be_loaded_fails_every_run(client: Client, main: str, kind: str, text: str) -> None:
    """The reason is the storlet's own failure, and what it has printed is in the log."""
    name = f"loading{main.rpartition('$')[2].lower()}-1.0.jar"
    deploy_cases(client, name, main=f"org.example.{main}")
    for _ in range(2):
        answer = client.run(name, "/c/o")
        assert answer.failure == kind, answer.text
        assert text in answer.text
    if "Endless" in main:
        assert "loading its class took longer than 1.5 s" in answer.text
        assert "\ninitializing\n" in client.log(name)


def test_a_file_that_is_not_a_jar_fails(client: Client) -> None:
    """Bytes that aren't a zip archive, or only part of one, fail with one line."""
    for content in (b"not a jar", b"PK\x03\x04", build(CASES)[:-30]):
        client.deploy("text-1.0.jar", content, main="org.example.Cases", language="java")
        assert "text-1.0.jar isn't a jar" in client.run("text-1.0.jar", "/c/o").text


def test_a_jar_may_start_with_a_script(client: Client) -> None:
    """``java`` itself accepts it, too."""
    client.deploy("script-1.0.jar", b"#!/bin/sh\n" + build(CASES), main="org.example.Cases", language="java")
    assert client.run("script-1.0.jar", "/c/o").status == 200


def test_a_class_for_a_newer_java_names_both_versions(client: Client) -> None:
    """The message says for which Java it must be compiled."""
    with zipfile.ZipFile(BytesIO(build(CASES))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    changed = BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in files.items():
            newer = name.endswith(".class")
            archive.writestr(name, content[:6] + (144).to_bytes(2, "big") + content[8:] if newer else content)
    client.deploy("newer-1.0.jar", changed.getvalue(), main="org.example.Cases", language="java")
    answer = client.run("newer-1.0.jar", "/c/o")
    assert answer.failure == "raised"
    assert "org.example.Cases is compiled for Java 100, but this engine has Java " in answer.text


def test_dependencies_are_on_the_class_path(client: Client) -> None:
    """Another jar's class is found, and a changed dependency takes effect."""
    folder = Path(__file__).with_name("java")
    named, depending = folder / "Named.java", folder / "Depending.java"
    jar = build((named,))
    client.depend("named.jar", jar)
    storlet = build((depending, named), only="org/example/Depending")
    client.deploy("depending-1.0.jar", storlet, main="org.example.Depending", dependencies="named.jar", language="java")
    assert client.run("depending-1.0.jar", "/c/o").text == "a dependency's text"
    client.depend("named.jar", jar_of({}))
    assert client.run("depending-1.0.jar", "/c/o").failure == "raised"
    client.depend("named.jar", jar)
    assert client.run("depending-1.0.jar", "/c/o").text == "a dependency's text"


def test_a_redeployed_jar_takes_effect(client: Client) -> None:
    """The next run has the new main class."""
    deploy_cases(client, "again-1.0.jar")
    assert client.run("again-1.0.jar", "/c/o").status == 200
    deploy_cases(client, "again-1.0.jar", main="org.example.Cases$Failing")
    assert client.run("again-1.0.jar", "/c/o").failure == "raised"


def test_each_run_has_a_jvm_of_its_own(client: Client) -> None:
    """Nothing stays from one run to the next."""
    counts = [client.result(NAME, "/c/o", action="leave files") for _ in range(3)]
    assert [count["runs"] for count in counts] == [1, 1, 1]
    assert len({count["folder"] for count in counts}) == 3


def test_a_jvm_sees_its_own_run_only(client: Client) -> None:
    """Scratch folder, temporary files and home are one; only the run's own descriptors can be seen."""
    connection = client.connect()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.run, NAME, "/c/o", connection=connection, action="wait", milliseconds="1000")
        facts = client.result(NAME, "/c/o", action="look")
        assert waiting.result().status == 200
    connection.close()
    assert facts["files"] == 0
    assert facts["temporary"] == facts["home"] == facts["folder"]
    assert facts["others"] == 0
    readable = [path for path in facts["own"] if path.startswith("/") and not path.startswith("/proc/")]
    data = str(client.running.folder)
    engines = [path for path in readable if path.startswith(data)]
    assert all(path.endswith(".jar") for path in engines), engines
    assert not any("log" in Path(path).name for path in readable), readable


def test_a_thread_bomb_is_bounded(client: Client) -> None:
    """It gets about as many threads as Python storlets do; other runs aren't affected."""
    count = int(client.run(NAME, "/c/o", action="bomb").text)
    assert 32 <= count <= 100
    assert client.run(NAME, "/c/o").status == 200


def test_processes_left_behind_are_ended(client: Client) -> None:
    """A run's processes and threads end with it."""
    assert client.run(NAME, "/c/o", action="leave a thread").status == 200
    assert client.run(NAME, "/c/o", action="leave a process").status == 200
    assert not psutil.wait_procs(processes(client.running.pid, "sleep"), timeout=30)[1]


def test_python_and_java_run_side_by_side(client: Client) -> None:
    """The two languages don't get in each other's way."""
    client.deploy("beside.py", IDENTITY)
    for _ in range(3):
        assert client.run("beside.py", "/c/o").body == client.run(NAME, "/c/o").body == b"x" * 1024


def test_a_client_that_leaves_ends_the_run(client: Client) -> None:
    """The JVM of a run that nobody reads is killed."""
    connection = client.connect()
    headers = {"X-Auth-Token": client.token, "X-Run-Storlet": NAME, "X-Storlet-Parameter-0": "action:write"}
    connection.request("GET", f"{client.account}/c/o", headers={**headers, "X-Storlet-Parameter-1": "mib:4000"})
    response = connection.getresponse()
    response.read(1 << 20)
    response.close()
    connection.close()
    while "abandoned: the client disconnected" not in client.log(NAME):
        time.sleep(0.1)


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
def test_the_end_of_the_server_leaves_no_jvm(tmp_path: Path, is_killed: bool) -> None:
    """JVMs that run, and those that wait, end with the server."""
    with control.join_or_start(tmp_path / "data", Settings(time_limit=60)) as lease:
        client = Client(lease.running)
        client.request("PUT", "/c")
        client.put("/c/o", b"x")
        deploy_cases(client, NAME)
        assert client.run(NAME, "/c/o").status == 200
        connection = client.connect()
        parameters = {"X-Storlet-Parameter-0": "action:wait", "X-Storlet-Parameter-1": "milliseconds:60000"}
        headers = {"X-Auth-Token": client.token, "X-Run-Storlet": NAME, **parameters}
        connection.request("GET", f"{client.account}/c/o", headers=headers)
        while len(jvms := processes(lease.running.pid, "java")) < 2:
            time.sleep(0.1)
        if is_killed:
            os.kill(lease.running.pid, 9)
        else:
            control.stop(lease.running.folder)
        assert ended(lease.running.pid, 20)
        connection.close()
        client.close()
    assert not psutil.wait_procs(jvms, timeout=20)[1]


def test_a_missing_jdk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a JDK, a jar deploys, and each run says what is missing."""
    jar = build(CASES)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with control.join_or_start(tmp_path / "data", Settings()) as lease:
        client = Client(lease.running)
        client.request("PUT", "/c")
        client.put("/c/o", b"x")
        client.deploy(NAME, jar, main="org.example.Cases", language="java")
        answer = client.run(NAME, "/c/o")
        client.close()
    assert answer.failure == "language"
    assert "java is not installed; install a JDK (on Debian: apt install default-j" in answer.text


def test_data_folder_that_java_cannot_use_is_named(tmp_path: Path) -> None:
    """Java would split its path in the class path, and find no class; Python storlets run there."""
    with control.join_or_start(tmp_path / "a:b", Settings()) as lease:
        client = Client(lease.running)
        client.request("PUT", "/c")
        client.put("/c/o", b"x")
        client.deploy("beside.py", IDENTITY)
        deploy_cases(client, NAME)
        assert client.run("beside.py", "/c/o").body == b"x"
        answer = client.run(NAME, "/c/o")
        client.close()
    assert answer.failure == "language", answer.text
    expected = "/storlets/code/java: Java can't use a folder whose path contains ':'; use another data folder"
    assert f"{tmp_path}/a:b{expected}" in answer.text


def test_folder_of_a_script_named_java_stays_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a JDK's folder is shown to storlets; the user's own ``bin`` is in a folder with much else."""
    jar, java = build(CASES), find_program("java")
    script = tmp_path / "home" / "bin" / "java"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec {java} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with control.join_or_start(tmp_path / "data", Settings()) as lease:
        client = Client(lease.running)
        client.request("PUT", "/c")
        client.put("/c/o", b"x")
        client.deploy(NAME, jar, main="org.example.Cases", language="java")
        answer = client.run(NAME, "/c/o")
        client.close()
    assert answer.failure == "language", answer.text
    assert f"{script} isn't the program of a JDK; set JAVA_HOME to a JDK's folder" in answer.text


def test_without_a_pipe_for_answers_the_program_opens_nothing(tmp_path: Path) -> None:
    """Descriptor 3 may be a file that matters, or one that the JVM has opened itself; neither is changed."""
    file = tmp_path / "file"
    file.write_text("content")
    class_path = os.pathsep.join(map(str, (runner_jar(), interface_jar())))
    command = [find_program("java"), *program.OPTIONS, "-cp", class_path, program.MAIN, "org.example.Cases"]
    # sh opens the file as descriptor 3.
    shell = ["sh", "-c", 'exec "$@" 3<>"$0"', str(file)]
    process = subprocess.run([*shell, *command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert process.returncode != 0
    assert f"descriptor 3 must be a pipe, not {file}" in process.stderr.decode()
    assert file.read_text() == "content"
