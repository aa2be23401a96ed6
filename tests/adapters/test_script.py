"""Command files."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.conftest import Process, Script, SlowStore

Upload = Callable[[str, bytes], None]


def test_a_file_runs_from_top_to_bottom(script: Script, container: str) -> None:
    """Lines run in their order; a heredoc is the command's body, to the byte."""
    found = script(f"# a file\nupload {container}/a <<'E'\n${{x}}\t'\nE\nget {container}/a\nls \\\n {container}\n")
    assert (found.status, found.err) == (0, "")
    assert found.out == f"path:/{container}/a: stored (HTTP 201)\n${{x}}\t'\na\n".encode()


def test_bodies_and_text_go_byte_for_byte_into_files_and_pipes(
    script: Script, container: str, upload: Upload, tmp_path: Path
) -> None:
    """Two commands' output into one file stands there in order, and a pipe's other end reads the very bytes."""
    content = bytes(range(256)) * 2000
    upload(f"{container}/bytes", content)
    found = script(
        f"get {container}/bytes > out\nls {container} >> out\nget {container}/bytes >> 'out'\n"
        f"get {container}/bytes | md5sum\nls {container} | tr a-z A-Z | cat\n"
    )
    assert (found.status, found.err) == (0, "")
    assert (tmp_path / "out").read_bytes() == content + b"bytes\n" + content
    assert found.out.decode() == f"{hashlib.md5(content).hexdigest()}  -\nBYTES\n"


def test_the_first_failing_line_ends_the_file(script: Script, container: str) -> None:
    """The message names the file and the line, the exit status is the line's, and nothing runs after it."""
    found = script(f"ls {container}\n\n\nget {container}/none \\\n --json\nmkdir {container}-2\n")
    assert found.status == 4
    assert found.err.startswith(f"storlet-shell: file.ss:4: path:/{container}/none: not found")
    assert found.out == b""


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("gett x", 127, "unknown command 'gett'; did you mean get?"),
        ("get", 2, "the object (CONTAINER/OBJECT or --input) must be given"),
        ("get --xyzzy", 2, "get: unrecognized arguments: --xyzzy; try: help get"),
        (
            "upload a b c",
            2,
            "upload: unrecognized arguments: c; it takes [FILE|FOLDER] CONTAINER[/OBJECT]; try: help upload",
        ),
        ("whoami you", 2, "whoami: unrecognized arguments: you; it takes options only; try: help whoami"),
        ("get c/o --strolet=a.py", 2, "get: unrecognized arguments: --strolet=a.py; did you mean --storlet?"),
        ("get c/o <<E\nE", 2, "get takes no body"),
        ("> out", 2, "a command is missing"),
        ("alias create x ls", 2, "alias belongs to the interactive shell"),
        ("run_script nothing.ss", 4, "no local file nothing.ss"),
        ("run_script", 2, "run_script lacks its file"),
        ("quit now", 2, "quit takes no arguments"),
        ("ls > no/such/folder", 1, "can't write no/such/folder: No such file or directory"),
        ("ls > .", 1, "can't write .: Is a directory"),
        ("ls > /dev/full", 1, "can't write the result: No space left on device"),
        ("upload c/o < nothing", 4, "no local file nothing"),
        ("upload c/o < .", 2, ". is a directory; expected a file"),
        ("!exit 3", 3, "ended with status 3: !exit 3"),
        ("ls | exit 9", 9, "ended with status 9: ls | exit 9"),
        ("ls | no-such-command-anywhere 2>/dev/null", 127, "ended with status 127: ls | no-such"),
        ("get no-such-container/o | cat", 4, "path:/no-such-container/o: not found"),
        ("put no-such-file c/o", 4, "no local file no-such-file"),
        ("ls ${NOBODY_HAS_THIS}", 2, "${NOBODY_HAS_THIS} is not defined; define it with -D NOBODY_HAS_THIS=VALUE"),
        ("ls ${1}", 2, "${1}: the file was given 0 arguments"),
        ("ls ${a-b}", 2, "${a-b} isn't a name; for the text itself write $${a-b}"),
        ("ls ${a.b}", 2, "${a.b}: variable a not found; store a result in it with -o a"),
        (b"ls \xff", 2, "no command file: it is not UTF-8"),
        ("upload c/o <<E\n", 2, "the heredoc isn't closed; end it with the line E"),
        ("ls 'c", 2, "the quote ' isn't closed"),
        ("ls \\", 2, "the text ends after a backslash"),
        ("a" * 10_000_000, 2, "a line of over 1048576 characters"),
        ("get " + "a" * 1_000_000, 2, "a" * 1_000),
    ],
)
def test_a_bad_line_is_one_clear_message(script: Script, line: str | bytes, status: int, message: str) -> None:
    """What is wrong with a line is told in one line, with its place, and ends with its exit status."""
    found = script(b"\n" + (line.encode() if isinstance(line, str) else line))
    assert (found.status, found.out) == (status, b"")
    assert found.err.startswith(f"storlet-shell: file.ss:2: {message}")
    assert found.err.count("\n") == 1
    assert len(found.err) < 5000


@pytest.mark.parametrize("end", ["upload c/o <<E\n", "ls 'c\n", "ls \\\n"])
def test_what_is_not_closed_is_told_before_the_first_line_runs(script: Script, container: str, end: str) -> None:
    """A file that can't be read to its end changes nothing."""
    found = script(f"upload {container}/o <<E\nE\n{end}")
    assert (found.status, found.out) == (2, b"")
    assert "file.ss:3: " in found.err


def test_names_stand_for_definitions_environment_and_arguments(script: Script, container: str) -> None:
    """-D wins over the environment; arguments are numbered; a value is one word; sh sees the names as its own."""
    found = script(
        'upload ${C}/"${1}" <<E\n${1}\nE\nls ${C}\nls ${C} | sed "s/^/$C ${2} $1 /"\n!echo "$HOW" ${0}\n',
        "an object",
        "-x",
        options=("-D", f"C={container}", "-D", "HOW=a  b"),
    )
    assert (found.status, found.err) == (0, "")
    assert found.out.decode().splitlines()[1:] == ["an object", f"{container} -x an object an object", "a  b file.ss"]


def test_a_definition_is_a_variable_too(script: Script, container: str) -> None:
    """-D NAME=JSON can be given as -i NAME."""
    found = script(f"get {container}/o --storlet s.py -i P --dry-run", options=("-D", 'P={"key": "value"}'))
    assert found.status == 0
    assert b"X-Storlet-Parameter-1: key:value" in found.out.replace(b"%3A", b":")
    assert (
        script("ls", options=("-D", "nothing")).err
        == "storlet-shell: -D nothing: must be NAME=VALUE, with NAME as in Python\n"
    )


def test_going_on_reports_every_failure_and_the_first_status(script: Script, container: str) -> None:
    """-k runs every line, and the exit status is the first failure's."""
    found = script(f"gett\nls {container}\nget {container}/none\n!echo end\n", options=("-k",))
    assert (found.status, found.out) == (127, b"end\n")
    assert [line.split(": ")[1] for line in found.err.splitlines()] == ["file.ss:1", "file.ss:3"]


def test_echo_goes_to_standard_error(script: Script) -> None:
    """-x shows each line before it runs; what sh expands stands as in the file."""
    found = script("!echo ${PATH} \\\n  end # why\nvars\n", options=("-x", "-D", "SECRET=hidden"))
    assert found.err == "+ !echo ${PATH} \\\n+   end # why\n+ vars\n"


def test_echo_shows_what_a_line_expands_to(script: Script, environ: dict[str, str]) -> None:
    """Values stand in the place of their names, quoted as one word; secrets, escapes and what sh expands stay."""
    text = """vars a${A} "b${A}\\"" '${A}' $${A} | cat # ${A}\nvars ${MY_TOKEN} ${NOBODY_HAS_THIS} # ${A}\n"""
    text += "vars ${ST_K}\n"
    options = ("-x", "-k", "-D", "A=it's", "-D", "MY_TOKEN=hidden", "-D", f"ST_K={environ['ST_KEY']}")
    echoed = [line for line in script(text, options=options).err.splitlines() if line.startswith("+")]
    assert echoed == [
        """+ vars a'it'"'"'s' "bit's\\"" '${A}' $${A} | cat # ${A}""",
        "+ vars ${MY_TOKEN} ${NOBODY_HAS_THIS} # ${A}",
        "+ vars ${ST_K}",
    ]


def test_fields_of_stored_results_are_values(script: Script, container: str) -> None:
    """After -o w, ${w.text} is the result without its last line ends, and its other fields are those of --json."""
    text = (
        f"put - {container}/o <<E\nan object\n\nE\nget {container}/o -o w\nls {container} -o rows\n"
        f'put - {container}/"${{w.text}}" <<E\nE\nget {container}/${{rows.rows.0.name}}-none\n'
        f"ls {container}/${{w.headers.content-length}}-${{w.status}}\n"
    )
    found = script(text, options=("-k",))
    assert f"path:/{container}/an object: stored (HTTP 201)" in found.out.decode()
    assert f"path:/{container}/o-none: not found" in found.err
    assert found.status == 4
    assert script(text, options=("-n",)).status == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("w", "${w} is a stored result; name one of its fields: ${w.FIELD}"),
        ("w.size", "${w.size}: w has no field size; fields: rows"),
        ("w.rows.7", "${w.rows.7}: w.rows has no field 7; it has 0 entries, from 0"),
        ("v.text", "${v.text}: variable v not found; store a result in it with -o v"),
        ("w.__class__", "${w.__class__}: w has no field __class__; fields: rows"),
    ],
)
def test_field_that_a_result_lacks_is_named(script: Script, container: str, name: str, message: str) -> None:
    """With the fields that it has; the line doesn't run."""
    found = script(f"ls {container} -o w\nls ${{{name}}}\n")
    assert (found.status, found.out) == (2, b"")
    assert found.err == f"storlet-shell: file.ss:2: {message}\n"


def test_expected_failures_are_successes(script: Script, container: str) -> None:
    """A line that ends as expected is one that went well, and says nothing of its error; others are run, too."""
    text = (
        f"expect 4 get {container}/none\nexpect 4 --expect-text 'not found' stat {container}/none\n"
        f"expect 127 gett\nexpect 2 ls && ls\nexpect 3 !exit 3; exit 4\n"
        f"expect 0 --expect-text=PUT put - {container}/o --dry-run <<E\nE\n"
        "expect 5 ls | exit 5\n!echo end\n"
    )
    found = script(text)
    assert (found.status, found.err) == (0, "")
    assert found.out.endswith(b"end\n")
    assert script(text, options=("-n",)).status == 0
    documents = map(json.loads, script(text, options=("--json",)).out.splitlines())
    assert [document["exit_status"] for document in documents] == [0] * 8


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("expect 4 vars", 1, "expected exit status 4, but it was 0: vars"),
        ("expect 0 vars none", 1, "expected exit status 0, but it was 4: variable none: not found"),
        (
            "expect 4 --expect-text 'no such' vars none",
            1,
            "expected the text 'no such', which is neither in the result nor in the message: variable none: not found",
        ),
        ("expect 0 --expect-text a !echo a", 1, "expected the text 'a', which is not in the result of a command"),
        ("expect", 2, "expect lacks the exit status: expect STATUS [--expect-text TEXT] LINE"),
        ("expect 4", 2, "expect lacks the line: "),
        ("expect ls", 2, "expect takes an exit status from 0 to 255, not ls: "),
        ("expect 256 ls", 2, "expect takes an exit status from 0 to 255, not 256: "),
        ("expect 4 --expect-text", 2, "--expect-text lacks its text: "),
        ("expect ${NOBODY_HAS_THIS} ls", 2, "${NOBODY_HAS_THIS} is not defined"),
    ],
)
def test_disappointed_expectation_is_one_message(script: Script, line: str, status: int, message: str) -> None:
    """It says what was expected and how the line ended; a malformed one is a usage error."""
    found = script(f"{line}\nvars\n")
    assert found.status == status
    assert found.err.startswith(f"storlet-shell: file.ss:1: {message}")
    assert len(found.err.splitlines()) == 1


def test_parsing_only_reports_everything_and_runs_nothing(script: Script, container: str) -> None:
    """-n parses every line with its arguments, and the exit status is the first problem's."""
    text = (
        f"upload {container}/o <<E\nE\nget --xyzzy\nls ${{NO}}\ngett\nls | cat\n!false\nget --help\nrm {container}/o\n"
    )
    found = script(text, options=("-n",))
    assert (found.status, found.out) == (2, b"")
    assert [line.split(": ")[1] for line in found.err.splitlines()] == ["file.ss:3", "file.ss:4", "file.ss:5"]
    assert script(f"ls {container}\n").out == b""


def test_json_is_one_document_a_line(script: Script, container: str, tmp_path: Path) -> None:
    """Each line that ran is one JSON document with its place, its exit status, and its result or failure."""
    found = script(
        f"upload {container}/o <<E\ncontent\nE\nget {container}/o\nls {container} > out\nls {container} | cat\n"
        f"!echo from sh\nget {container}/none\n",
        options=("--json",),
    )
    documents = [json.loads(line) for line in found.out.splitlines()]
    assert [(one["line"], one["exit_status"]) for one in documents] == [(1, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 4)]
    assert documents[1]["result"]["content"] == "content\n"
    assert documents[1]["command"] == f"get {container}/o"
    assert "result" not in documents[2]
    assert (tmp_path / "out").read_text() == "o\n"
    assert documents[5]["failure"]["error"] == "NotFoundError"
    assert documents[5]["file"] == "file.ss"
    assert "o\nfrom sh\n" in found.err
    broken = script("ls 'a", options=("--json",))
    assert json.loads(broken.out)["exit_status"] == 2


def test_a_file_runs_another(script: Script, container: str, tmp_path: Path) -> None:
    """run_script passes arguments on, its output can be redirected, and what fails in it fails the outer file."""
    (tmp_path / "inner.ss").write_text("ls ${1}\n!echo from sh\nget ${1}/none\n!echo never\n")
    (tmp_path / "loop.ss").write_text("run_script loop.ss\n")
    found = script(f"run_script inner.ss {container} > out\n!echo never\n")
    assert (found.status, found.out) == (4, b"")
    assert (tmp_path / "out").read_bytes() == b"from sh\n"
    inner, outer = found.err.splitlines()
    assert inner.startswith(f"storlet-shell: inner.ss:3: path:/{container}/none: not found")
    assert outer == f"storlet-shell: file.ss:1: ended with status 4: run_script inner.ss {container} > out"
    assert "command files run each other, 20 deep" in script("@loop.ss").err


@pytest.mark.parametrize("words", ["-D A=2 inner.ss -D B=b", "inner.ss -D A=2 -D B=b --", "-D A=2 -D B=b inner.ss"])
def test_a_file_defines_names_for_another(script: Script, tmp_path: Path, words: str) -> None:
    """run_script takes -D on both sides of its file, for that file alone; what is an argument stays one."""
    (tmp_path / "inner.ss").write_text('!echo "$A" "$B" "$C" "$1" "$2"\nvars B\n')
    found = script(f"run_script {words} one -D\n!echo $A\n", options=("-D", "A=1", "-D", "C=c"))
    assert (found.out.decode().splitlines(), found.err) == (["2 b c one -D", "b", "1"], "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-D", "-D lacks its NAME=VALUE"),
        ("f.ss -D x", "-D x: must be NAME=VALUE, with NAME as in Python"),
        ("-D A=1", "run_script lacks its file"),
    ],
)
def test_a_wrong_definition_for_another_file_is_told(script: Script, words: str, message: str) -> None:
    """It is one line that names what is wrong."""
    assert script(f"run_script {words}").err.startswith(f"storlet-shell: file.ss:1: {message}")


def test_quit_ends_a_file(script: Script) -> None:
    """Quit and exit end the file at status 0."""
    assert script("!echo one\nexit\n!echo two\n").out == b"one\n"


def test_a_stored_result_is_a_variable(script: Script, container: str, upload: Upload) -> None:
    """-o stores instead of showing; vars shows it as often as it is asked to."""
    upload(f"{container}/o", b"content\n")
    found = script(
        f"get {container}/o -o body\nls {container} -o names\nvars body\nvars body | tr a-z A-Z\nvars names\n"
        "vars names\nvars p k=v 'w=x y'\nvars p\nvars --delete body\nvars\nvars body\n"
    )
    assert found.out.decode() == (
        "content\nCONTENT\no\no\np = k=v w=x y\nk: v\nw: x y\nbody is deleted\nnames  1 row: name\np      k=v w=x y\n"
    )
    assert (found.status, found.err) == (4, "storlet-shell: file.ss:11: variable body: not found\n")


def test_a_file_may_read_standard_input(script: Script, container: str) -> None:
    """Commands in a file read the process's standard input, or a file's; a heredoc can stand for it too."""
    found = script(f"put - {container}/a\nget {container}/a\n", stdin=b"from outside")
    assert found.out.endswith(b"from outside")
    found = script(
        f"put - {container}/a <<E\nfrom here\nE\nget {container}/a > b\nupload {container}/c < b\nget {container}/c\n"
    )
    assert found.out.endswith(b"from here\n")


def test_an_early_end_of_a_pipe_is_no_failure(script: Script, container: str, upload: Upload) -> None:
    """What follows | may stop reading; its status decides."""
    upload(f"{container}/o", b"line\n" * 1_000_000)
    assert script(f"get {container}/o | head -1\n!echo on\n").out == b"line\non\n"


def test_text_with_line_ends_of_windows_runs(script: Script, container: str) -> None:
    """A file from an editor of another world, with a byte order mark, runs; bodies stay as they are."""
    found = script(
        f"\ufeffls {container}\r\nupload {container}/o <<E\r\na\r\nE\r\nget {container}/o | od -c\r\n!echo x\r\n"
    )
    assert found.status == 0, found.err
    assert b"a  \\r  \\n" in found.out
    assert found.out.endswith(b"x\n")


# Processes of their own: what surrounds them matters.


@pytest.mark.slow
def test_a_script_from_standard_input_or_the_line(process: Process, container: str) -> None:
    """Standard input that is no terminal, ``-f -`` and ``-c`` run as a file does, without cmd2."""
    assert process(stdin=f"ls {container}\n!echo a\n".encode()).out == b"a\n"
    found = process("-f", "-", "x", stdin=f"get {container}/${{1}}\n".encode())
    assert found.status == 4
    assert found.err.startswith("storlet-shell: standard input:1: path:")
    found = process("-c", "!echo ${1} $2", "--", "-a", "b")
    assert (found.status, found.out) == (0, b"-a b\n")
    assert process("-c", "ls", "-f", "x").status == 2
    found = process(stdin=f"put - {container}/o\n".encode())
    assert (found.status, found.err) == (
        2,
        "storlet-shell: standard input:1: -: standard input isn't available here; name a file\n",
    )


def test_command_files_do_not_pay_for_cmd2(environ: dict[str, str]) -> None:
    """Neither cmd2 nor rich nor prompt_toolkit is imported to run a file."""
    code = (
        "import sys; from storlet_shell.adapters.cli import main as cli; status = cli.main(['-c', 'vars']);"
        "print(status, *sorted({'cmd2', 'rich', 'prompt_toolkit', 'IPython', 'stevedore'} & set(sys.modules)))"
    )
    root = str(Path(__file__).parents[2])
    assert (
        subprocess.run([sys.executable, "-c", code], env={**environ, "PYTHONPATH": root}, capture_output=True).stdout
        == b"0\n"
    )


def test_a_file_is_a_program(process: Process, environ: dict[str, str], container: str, tmp_path: Path) -> None:
    """With a shebang of env -S a file is started by its name, and its arguments are the file's."""
    program = tmp_path / "storlet-shell"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m storlet_shell "$@"\n')
    file = tmp_path / "list me"
    file.write_text("#!/usr/bin/env -S storlet-shell -f\nls ${1} ${2}\n!echo listed\n")
    program.chmod(0o755)
    file.chmod(0o755)
    variables = {**environ, "PATH": f"{tmp_path}:{environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2])}
    found = subprocess.run([file, container, "-l"], env=variables, capture_output=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, b"0 names, 0 bytes\nlisted\n", b"")


def test_the_shells_own_files_are_left_alone(script: Script, environ: dict[str, str]) -> None:
    """A command file means the same for everybody: the startup file is not run, and no history is kept."""
    Path(environ["STORLET_SHELL_STARTUP"]).write_text("gett\n")
    assert script("vars\n").status == 0
    assert not Path(environ["STORLET_SHELL_HISTORY"]).exists()


def test_a_bare_environment_is_enough(process: Process, environ: dict[str, str], container: str) -> None:
    """As from cron: no HOME, no PATH, no terminal, no locale."""
    found = process("-c", f"upload {container}/ü <<E\nö\nE\nls {container}\nget {container}/ü", PATH=None)
    assert (found.status, found.err) == (0, "")
    assert found.out.decode().endswith("ü\nö\n")


@pytest.mark.parametrize(
    ("before", "words", "status", "message"),
    [
        ("exec <&-", (), 2, "nothing to run: standard input is closed; name a command, -f FILE or -c LINE"),
        ("exec <&-", ("-c", "put - c/o"), 2, "-c:1: -: standard input isn't available here; name a file"),
        ("exec <&-", ("-c", "!true"), 0, ""),
        ("exec >&-", ("-c", "vars x k=v"), 1, "-c:1: standard output is closed"),
        ("exec >&-", ("-c", "vars > /dev/null"), 0, ""),
        ("exec 2>&-", ("-c", "gett"), 127, ""),
        ("exec </dev/null", (), 0, ""),
    ],
)
def test_closed_streams_are_in_nobodys_way(
    process: Process, before: str, words: tuple[str, ...], status: int, message: str
) -> None:
    """A closed standard stream is missed only by what needs it."""
    found = process(*words, before=f"{before};")
    assert (found.status, found.out) == (status, b"")
    assert found.err == (f"storlet-shell: {message}\n" if message else "")


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_the_run(environ: dict[str, str], container: str, upload: Upload) -> None:
    """A broken pipe on the process's own output is silent, and its status is a shell's for SIGPIPE."""
    upload(f"{container}/o", b"line\n" * 200_000)
    line = f"{sys.executable} -m storlet_shell -c 'get {container}/o\n!echo never >&2'"
    command = f"({line}; echo $? >&2) | head -1"
    variables = {**environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    found = subprocess.run(["/bin/sh", "-c", command], env=variables, capture_output=True, check=False)
    assert found.stdout == b"line\n"
    assert found.stderr == b"141\n"


@pytest.mark.slow
def test_ctrl_c_ends_a_file_and_its_transfer(environ: dict[str, str], slow_store: SlowStore, tmp_path: Path) -> None:
    """An interrupt ends the run at status 130, names the line, and closes the transfer's connection."""
    file = tmp_path / "slow.ss"
    file.write_text("get slow/o > /dev/null\n!echo never\n")
    variables = {"PATH": os.environ["PATH"], **slow_store.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-m", "storlet_shell", "-k", "-f", file],
        env=variables,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert slow_store.asked.wait(10)
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=10)
    assert (running.returncode, out, err.decode()) == (130, b"", f"storlet-shell: {file}:1: interrupted\n")
    assert slow_store.hung_up.wait(5)
