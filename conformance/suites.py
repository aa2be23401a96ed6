"""Upstream's suites, and how to run one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from conformance import clusters, environment
from conformance.outcomes import Outcome, read_report
from conformance.sources import BUILD, source

Cluster = Callable[[Path], AbstractContextManager[Mapping[str, str]]]


@dataclass(frozen=True)
class Suite:
    """A suite of functional tests.

    :param package: the package whose sources contain it
    :param tests: the path of its tests in these sources
    :param cluster: the embedded Swift that it runs against
    :param stock: the stock Swift to compare with; None if all tests pass there, as upstream's own runs show
    :param left_out: a folder below that path that isn't part of the suite
    :param like: the suite whose outcomes on stock it is compared with, because it has the same tests; empty for its own
    """

    name: str
    package: str
    tests: str
    cluster: Cluster
    stock: Cluster | None = None
    left_out: str = ""
    like: str = ""


_COMPLETE = (0, 1, 5)
"""pytest's exit statuses after a complete run: all tests passed, some failed, or none was selected."""

SUITES = (
    Suite("swift", "swift", "test/functional", clusters.tempauth, clusters.stock, "test/functional/s3api"),
    Suite("swift-tests", "swift", "test/functional/tests.py", clusters.tempauth, clusters.stock),
    Suite("swift-s3", "swift", "test/functional/s3api", clusters.tempauth_with_s3, clusters.stock),
    Suite("swift-s3-keystone", "swift", "test/functional/s3api", clusters.keystone_with_s3, like="swift-s3"),
    Suite("storlets-python", "storlets", "tests/functional/python", clusters.keystone),
    Suite("storlets-common", "storlets", "tests/functional/common", clusters.keystone),
    Suite("storlets-java", "storlets", "tests/functional/java", clusters.keystone_and_samples),
)


def run(suite: Suite, cluster: Cluster, only: str = "") -> dict[str, Outcome]:
    """Run a suite; return each test's outcome.

    :param cluster: the cluster to run it against
    :param only: an expression that chooses tests by name, as for pytest's ``-k``
    """
    folder = BUILD / suite.name
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    root = source(suite.package)
    # Verbose: the output names the test that is running. Without a configuration, such as this project's own, in which
    # warnings are errors.
    options = ["-v", "-c", os.devnull, "--rootdir", str(root), f"--junitxml={report}"]
    # As Swift's tox.ini has it: requests_mock would import urllib3 before the tests patch its sockets.
    options += ["-p", "no:requests_mock", "-p", "no:cacheprovider"]
    if only:
        options += ["-k", only]
    if suite.left_out:
        options.append(f"--ignore={suite.left_out}")
    with cluster(folder) as variables, (folder / "output").open("w") as output:
        python = environment.python()
        command = [str(python), "-m", "pytest", *options, suite.tests]
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # some tests run programs
        environ = {**os.environ, **variables, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        print(f"{suite.name}: running; see {folder / 'output'}", file=sys.stderr, flush=True)
        status = subprocess.run(command, cwd=root, env=environ, stdout=output, stderr=output).returncode
    # If pytest is interrupted, it still writes a report on the tests so far.
    if status not in _COMPLETE or not report.exists():
        raise SystemExit(f"{suite.name}: not all tests ran (pytest's exit status: {status}); see {folder / 'output'}")
    return read_report(report)
