"""The dry run of a storlet's class; ``test_storlet_contract`` compares it with the engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storlet_shell.errors import StorletFailedError
from storlet_shell.storlets import trial
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
    return trial.run(trial.PythonProgram(StorletMain("main", "Main"), code(*lines)), source, {"k": "v"}, **options)


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
    """Its own lines and those of its programs, in order, as in the engine."""
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["raise ValueError('on purpose')"], "ValueError: on purpose"),
        (["return"], "it ended without out_files[0].set_metadata()"),
        (["import os", "os._exit(3)"], "its process exited with status 3"),
        (["import os", "os.kill(os.getpid(), 9)"], "its process was killed by signal SIGKILL"),
        (["import time", "time.sleep(60)"], "it did not end within 1 s"),
        (
            ["out_files[0].write(b'early')"],
            "OSError: Body should be sent after metadata is sent; call out_files[0].set_metadata({}) before it writes",
        ),
        (
            ["out_files[0].set_metadata({})", "out_files[0].write('text')"],
            "TypeError: a bytes-like object is required, not 'str'",
        ),
        (
            ["out_files[0].set_metadata({'k': 'x' * 5000})"],
            "its metadata are too long: at most 4096 bytes",
        ),
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
    """Its metadata and its end are still reported."""
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
    files = [trial.BundledFile(path.name, path.read_bytes(), path.stat().st_mode) for path in (module, program)]
    found = run(
        source,
        "import helper, subprocess",
        "out_files[0].set_metadata({})",
        "out_files[0].write(helper.WORD + b' ')",
        "out_files[0].write(subprocess.check_output([params['storlet_execution_path'] + '/program']))",
        dependencies=files,
    )
    assert found.output == b"from a dependency executed\n"


@pytest.mark.slow
def test_storlet_that_writes_what_it_should_not_is_no_crash(source: Path) -> None:
    """Into every descriptor that it finds, or metadata without end."""
    lines = [
        "import os",
        "for number in range(3, 1024):",
        "    try: os.write(number, b'{\"event\": 1}')",
        "    except OSError: pass",
    ]
    with pytest.raises(StorletFailedError, match=r"its metadata aren't JSON|its process exited|set_metadata"):
        run(source, *lines, "out_files[0].set_metadata({})")
    endless = ["try:", "    while True: out_files[0].md_file.write(b'x' * 65536)", "except BrokenPipeError: pass"]
    with pytest.raises(StorletFailedError, match="did not end within 1 s"):
        run(source, *endless, time_limit=1)


def test_input_is_a_pipe_that_need_not_be_read(tmp_path: Path) -> None:
    """A large one is fed as it is read, and left where the storlet ends; it can't be gone back in."""
    large = tmp_path / "large"
    large.write_bytes(b"x" * 5_000_000)
    assert run(large, "out_files[0].set_metadata({})").count == 0
    found = run(
        large, "out_files[0].set_metadata({})", "while data := in_files[0].read(65536): out_files[0].write(data)"
    )
    assert found.count == 5_000_000
    with pytest.raises(StorletFailedError, match="not seekable"):
        run(large, "in_files[0].obj_file.seek(0)")
