"""The deployed storlet, next to objects of the real Swift."""

from __future__ import annotations

import ast
import gzip
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from storlet_shell import shelf
from storlet_shell.storlets.functions.generate import generate
from storlet_shell.storlets.functions.local import find_function
from storlet_shell.storlets.source import StorletSource
from tests.support.lines import Runner

pytestmark = pytest.mark.slow

TABLE = b"sky,degrees\nclear,7\nfog,-2.5\nclear,007\n,30\nbad\n"
GROUPS = {
    "v": 1,
    "columns": ["sky", "degrees"],
    "where": [">", ["col", 1], ["lit", 0]],
    "groups": {"keys": [["col", 0]], "aggregates": [["count", None], ["sum", ["col", 1]]]},
}
RESULT = [
    {"g": [["clear"], [2, [2, 14, [], False]]]},
    {"g": [[None], [1, [1, 30, [], False]]]},
    {"end": {"rows": 5, "kept": 3, "malformed": 1, "samples": [[5, "1 field instead of 2"]]}},
]


def deployed_file() -> bytes:
    """Return the file that is deployed."""
    source = StorletSource.parse(shelf.source("select").encode(), "select.py")
    collection = find_function(source, "select")
    assert collection is not None
    return generate(collection)


@pytest.fixture(scope="module")
def select(storlets: Runner, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Deploy the storlet; return its name."""
    path = tmp_path_factory.mktemp("shelf") / "selecting.py"
    path.write_text(shelf.source("select"))
    outcome = storlets("deploy", str(path), "--main", "select")
    assert outcome.status == 0, outcome.err
    return path.name


def run(storlets: Runner, path: str, select: str, plan: Any, *options: str) -> list[Any]:
    """Run a plan over an object."""
    outcome = storlets("get", path, "--storlet", select, "-p", f"plan={json.dumps(plan)}", *options)
    assert outcome.status == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


@pytest.mark.parametrize(
    ("stored", "options"),
    [
        pytest.param(TABLE, (), id="node"),
        pytest.param(gzip.compress(TABLE, mtime=0), (), id="gzip"),
        pytest.param(TABLE, ("--on-proxy",), id="proxy"),
    ],
)
def test_groups_of_an_object(
    storlets: Runner, container: str, select: str, stored: bytes, options: Sequence[str]
) -> None:
    """On an object server, and on a proxy server."""
    assert storlets("upload", f"{container}/o", stdin=stored).status == 0
    assert run(storlets, f"{container}/o", select, GROUPS, *options) == RESULT


def test_a_long_plan_is_an_extra_resource(storlets: Runner, container: str, select: str) -> None:
    """It exceeds what a parameter may have."""
    plan = {**GROUPS, "where": ["and", GROUPS["where"], ["not", ["in", ["col", 0], [["lit", "x" * 20_000]]]]]}
    assert storlets("upload", f"{container}/o", stdin=TABLE).status == 0
    assert storlets("upload", f"{container}/plan", stdin=json.dumps(plan).encode()).status == 0
    outcome = storlets("get", f"{container}/o", "--storlet", select, "--on-proxy", "--extra", f"path:/{container}/plan")
    assert outcome.status == 0, outcome.err
    assert [json.loads(line)["g"][0] for line in outcome.out.splitlines()[:-1]] == [["clear"]]


def test_parquet_next_to_the_object(storlets: Runner, container: str, select: str) -> None:
    """Within the limits of the engine."""
    import pyarrow.parquet  # it takes a second, so fast tests don't import it

    file = io.BytesIO()
    columns = {"sky": ["clear", "fog"] * 5000, "degrees": [number / 2 for number in range(10_000)]}
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    assert storlets("upload", f"{container}/o", stdin=file.getvalue()).status == 0
    lines = run(storlets, f"{container}/o", select, {**GROUPS, "where": None})
    assert [line["g"][0] for line in lines[:-1]] == [["clear"], ["fog"]]
    assert [line["g"][1][0] for line in lines[:-1]] == [5000, 5000]


def test_a_refusal_arrives(storlets: Runner, container: str, select: str) -> None:
    """It arrives at the reader, after the traceback."""
    assert storlets("upload", f"{container}/o", stdin=TABLE).status == 0
    plan = {**GROUPS, "columns": ["sky", "lest"]}
    outcome = storlets("get", f"{container}/o", "--storlet", select, "-p", f"plan={json.dumps(plan)}")
    assert outcome.status != 0
    assert "no column lest; there are: sky, degrees" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("storlet-shell: ")


def test_the_deployed_file_runs_in_old_and_bare_pythons(tmp_path: Path) -> None:
    """It has the syntax of Python 3.8, and needs the standard library only."""
    code = deployed_file()
    ast.parse(code, feature_version=(3, 8))
    (tmp_path / "std_select.py").write_bytes(code)
    (tmp_path / "table.csv").write_bytes(TABLE)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import std_select\n"
        "with open(sys.argv[1] + '/table.csv', 'rb') as file:\n"
        "    sys.stdout.buffer.writelines(std_select.select([file], sys.argv[2]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(tmp_path), json.dumps(GROUPS)], capture_output=True, check=True
    )
    assert [json.loads(line) for line in ended.stdout.splitlines()] == RESULT
