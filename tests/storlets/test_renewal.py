"""Storlets that are made longer, or that find dependencies by other names, keep their meaning."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from storlet_shell.java.compiler import interface_jar
from storlet_shell.storlets.renewal import lengthened, with_names
from tests.support.jars import compile_jar, needs_jdk


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the tests' Java storlet."""
    return compile_jar(tmp_path_factory.mktemp("java") / "identity-1.0.jar")


@pytest.mark.slow
@needs_jdk
def test_longer_jar_is_the_same_to_java(compiled: Path, tmp_path: Path) -> None:
    """A comment at the archive's end changes nothing else."""
    jar, content = tmp_path / "identity-1.0.jar", compiled.read_bytes()
    for more in (1, 1000):
        longer = lengthened(content, len(content) + more, is_jar=True)
        assert longer is not None
        assert len(longer) == len(content) + more
        jar.write_bytes(longer)
        path = f"{jar}:{interface_jar()}"
        ran = subprocess.run(["java", "-cp", path, "org.example.Identity"], capture_output=True, check=False)
        assert ran.stdout == b"identity\n", ran.stderr
        content = longer


def test_renaming_keeps_lines() -> None:
    """A docstring and imports from the future stay first; the code around is what it was."""
    for code in (
        "# c\n@d\nclass A: pass\n",
        '"""Doc."""; x = 1\n',
        "#!x\nfrom __future__ import annotations\r\n\r\n@d\r\nclass A: pass\r\n",
    ):
        changed = with_names(code.encode(), {"a-1.py": "a.py"})
        assert changed.count(b"\n") == code.count("\n")
        compile(changed, "x.py", "exec")
