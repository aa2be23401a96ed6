"""A storlet's class tried out here, and its files held against those of the real agent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from storlets.agent.daemon.files import StorletInputFile, StorletOutputFile

from storlet_shell import trial
from storlet_shell.errors import StorletFailedError
from storlet_shell.trial_process import InputFile, OutputFile
from storlet_shell.values import StorletMain

CONTENT = b"one\ntwo\n\nlast line without an end"
HEAD = "class Main:\n    def __init__(self, logger):\n        self.logger = logger\n"
CALL = "    def __call__(self, in_files, out_files, params):\n"


def code(*lines: str) -> bytes:
    """Return a storlet's code with these lines in its call."""
    return (HEAD + CALL + "".join(f"        {line}\n" for line in lines)).encode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a local file."""
    path = tmp_path / "input"
    path.write_bytes(CONTENT)
    return path


def run(source: Path, *lines: str, **options: Any) -> trial.Trial:
    """Try a storlet out."""
    return trial.run(code(*lines), StorletMain("main", "Main"), source, {"k": "v"}, **options)


def test_trial_shows_output_metadata_and_log(source: Path) -> None:
    """Everything that a storlet can do is seen."""
    found = run(
        source,
        "metadata = in_files[0].get_metadata()",
        "out_files[0].set_metadata({**metadata, 'k': params['k']})",
        "out_files[0].write(in_files[0].read().upper())",
        "self.logger.info('done')",
        input_metadata={"Colour": "red"},
    )
    assert found.output == CONTENT.upper()
    assert found.count == len(CONTENT)
    assert found.metadata == {"Colour": "red", "k": "v"}
    assert found.log == ("main.Main INFO: done",)


def test_what_it_prints_stands_in_its_log(source: Path) -> None:
    """As in the engine's: its own lines, and its programs', in their order."""
    found = run(
        source,
        "import subprocess, sys",
        "out_files[0].set_metadata({})",
        "print('printed')",
        "self.logger.info('logged')",
        "subprocess.run(['echo', 'a program'])",
        "print('wrong', file=sys.stderr)",
    )
    assert found.log == ("printed", "main.Main INFO: logged", "a program", "wrong")
    cut = run(source, "out_files[0].set_metadata({})", "print('x' * 70_000)")
    assert cut.log[1:] == (f"(cut: {70_001 - 65536} more bytes)",)


def test_long_output_is_cut_and_says_so(source: Path) -> None:
    """Only the beginning is held, the rest is counted."""
    found = run(source, "out_files[0].set_metadata({})", "out_files[0].write(b'x' * 100_000)")
    assert (len(found.output), found.count) == (4096, 100_000)
    assert list(found.render())[-1] == f"(cut: {100_000 - 4096} more bytes)"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["raise ValueError('on purpose')"], "ValueError: on purpose"),
        (["return"], "it returned without out_files[0].set_metadata(...)"),
        (["import os", "os._exit(3)"], "it ended the process with status 3"),
        (["import os", "os.kill(os.getpid(), 9)"], "it was ended by signal 9"),
        (["import time", "time.sleep(60)"], "it did not end within 1 s"),
        (
            ["out_files[0].write(b'early')"],
            "OSError: Body should be sent after metadata is sent; call out_files[0].set_metadata({}) before it writes",
        ),
        (
            ["out_files[0].set_metadata({})", "out_files[0].write('text')"],
            "TypeError: a bytes-like object is required, not 'str'",
        ),
        (["out_files[0].set_metadata({'k': 'x' * 5000})"], "ValueError: the metadata take 5009 bytes as JSON"),
    ],
)
def test_trial_that_fails_says_why(source: Path, lines: list[str], reason: str) -> None:
    """The last line is the reason; the traceback shows the storlet's own frames."""
    with pytest.raises(StorletFailedError) as caught:
        run(source, *lines, time_limit=1)
    assert reason in str(caught.value)
    assert "trial_process" not in caught.value.details


def test_trial_that_fails_shows_what_was_found_in_the_source(source: Path) -> None:
    """It may be why; before what the storlet printed."""
    with pytest.raises(StorletFailedError) as caught:
        run(source, "print('printed')", notes=["main.py:5: a note"])
    assert caught.value.details.splitlines() == ["note: main.py:5: a note", "printed"]


def test_storlet_may_go_to_another_folder(source: Path) -> None:
    """What it sets and how it ends is known all the same."""
    assert run(source, "import os", "os.chdir('/')", "out_files[0].set_metadata({'k': 'v'})").metadata == {"k": "v"}
    with pytest.raises(StorletFailedError, match="ValueError: elsewhere"):
        run(source, "import os", "os.chdir('/')", "raise ValueError('elsewhere')")


def test_traceback_names_the_storlets_line(source: Path) -> None:
    """The file is named as it will be in the cluster."""
    with pytest.raises(StorletFailedError) as caught:
        run(source, "pass", "raise KeyError('k')")
    assert 'File "main.py", line 6, in __call__' in caught.value.details


def test_dependencies_lie_beside_the_code(source: Path, tmp_path: Path) -> None:
    """They can be imported, and executed if they can be executed here."""
    module = tmp_path / "helper.py"
    module.write_text("WORD = b'from a dependency'\n")
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho executed\n")
    program.chmod(0o755)
    found = run(
        source,
        "import helper, subprocess",
        "out_files[0].set_metadata({})",
        "out_files[0].write(helper.WORD + b' ')",
        "out_files[0].write(subprocess.check_output([params['storlet_execution_path'] + '/program']))",
        dependencies=[module, program],
    )
    assert found.output == b"from a dependency executed\n"


READS: dict[str, Callable[[Any], Any]] = {
    "read": lambda file: file.read(),
    "read in pieces": lambda file: [file.read(7) for _ in range(8)],
    "lines": lambda file: [file.readline() for _ in range(6)],
    "all lines": lambda file: file.readlines(),
    "iteration": list,
    "read after a line": lambda file: (file.readline(), file.read(2), file.readline(), file.read()),
    "metadata": lambda file: file.get_metadata(),
    "write": lambda file: file.write(b"x"),
    "seek": lambda file: file.seek(0),
}


def outcome(action: Callable[[Any], Any], file: Any) -> Any:
    """Return what an action returns, or the kind of its error; a method that is not there is one not implemented."""
    try:
        return action(file)
    except AttributeError:
        return NotImplementedError
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_input_behaves_as_the_engines(source: Path, read: Callable[[Any], Any]) -> None:
    """What the real agent's file returns or raises, ours does."""
    with StorletInputFile({"k": "v"}, os.open(source, os.O_RDONLY)) as real, InputFile(str(source), {"k": "v"}) as ours:
        assert outcome(read, ours) == outcome(read, real)


WRITES: dict[str, Callable[[Any], Any]] = {
    "bytes too early": lambda file: file.write(b"x"),
    "metadata, then bytes": lambda file: (file.set_metadata({"k": "v"}), file.write(b"x"))[0],
    "metadata twice": lambda file: (file.set_metadata({}), file.set_metadata({})),
    "text": lambda file: (file.set_metadata({}), file.write("text")),
    "lines": lambda file: (file.set_metadata({}), file.writelines([b"a", b"b"])),
    "metadata that are not there": lambda file: file.get_metadata(),
    "metadata that are": lambda file: (file.set_metadata({"k": 1}), file.get_metadata()),
    "metadata that are no JSON": lambda file: file.set_metadata({"k": b"bytes"}),
    "read": lambda file: file.read(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_output_behaves_as_the_engines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Any], Any]
) -> None:
    """What the real agent's file returns or raises, ours does."""
    monkeypatch.chdir(tmp_path)
    descriptors = [os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT) for name in ("real-metadata", "real-output")]
    with StorletOutputFile(*descriptors) as real, OutputFile() as ours:
        assert outcome(write, ours) == outcome(write, real)
    assert (tmp_path / "output").read_bytes() == (tmp_path / "real-output").read_bytes()
