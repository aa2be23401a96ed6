"""What pip says when it fails becomes one line: which package, why, and what to do next."""

from __future__ import annotations

import pytest

from storlet_shell.deployments.packages.candidates import files_by_package
from storlet_shell.deployments.packages.pip import Download
from storlet_shell.deployments.packages.refusals import failure_of, without_secrets
from storlet_shell.deployments.packages.wanted import Wanted
from storlet_shell.errors import Action, NotFoundError, ServiceError, StorletShellError, UsageError

WANTED = Wanted(("a",), python="3.11")

# From pip 23.2.1 and 25.3, over PyPI; shortened.
INCOMPATIBLE = "are compatible (run pip debug --verbose to show compatible tags)"
JINJA = (
    """\
2026-11-29T10:00:00,000   Found link https://files.pythonhosted.org/packages/90/jinja2-3.1.6-py3-none-any.whl#sha256=8 \
(from https://pypi.org/simple/jinja2/) (requires-python:>=3.7), version: 3.1.6
2026-11-29T10:00:00,000   Skipping link: No sources permitted for jinja2: \
https://files.pythonhosted.org/packages/df/jinja2-3.1.6.tar.gz#sha256=0 (from https://pypi.org/simple/jinja2/)
"""
    f"2026-11-29T10:00:00,000   Skipping link: none of the wheel's tags (cp311-cp311-win32) {INCOMPATIBLE}: "
    "https://files.pythonhosted.org/packages/c1/MarkupSafe-3.0.2-cp311-cp311-win32.whl#sha256=6 "
    "(from https://pypi.org/simple/markupsafe/) (requires-python:>=3.9)\n"
    "2026-11-29T10:00:00,000   Skipping link: No sources permitted for markupsafe: "
    "https://files.pythonhosted.org/packages/b2/markupsafe-3.0.2.tar.gz#sha256=e "
    "(from https://pypi.org/simple/markupsafe/) (requires-python:>=3.9)\n"
)
JINJA_OUTPUT = """\
ERROR: Cannot install jinja2==3.1.5 and jinja2==3.1.6 because these package versions have conflicting dependencies.

The conflict is caused by:
    jinja2 3.1.6 depends on MarkupSafe>=2.0
    jinja2 3.1.5 depends on MarkupSafe>=2.0

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/
"""
DOCOPT = (
    "2026-11-29T10:00:00,000   Skipping link: No sources permitted for docopt: "
    "https://files.pythonhosted.org/packages/a2/docopt-0.6.2.tar.gz#sha256=4 (from https://pypi.org/simple/docopt/)\n"
)
DOCOPT_OUTPUT = """\
ERROR: Could not find a version that satisfies the requirement docopt (from versions: none)
ERROR: No matching distribution found for docopt
"""
HASHES = """\
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, \
please update the hashes. Otherwise, examine the package contents carefully; someone may have tampered with them.
    humanize==4.9.0 from https://user:secret@example.org/humanize-4.9.0-py3-none-any.whl (from -r r.txt (line 1)):
        Expected sha256 0000000000000000000000000000000000000000000000000000000000000000
             Got        ce284a76d5b1377fd8836733b983bfb0b76f1aa1c090de2566fcf008d7f6ab16
"""
UNPINNED = """\
ERROR: In --require-hashes mode, all requirements must have their versions pinned with ==. These do not:
    humanize from https://example.org/humanize-4.9.0-py3-none-any.whl (from -r r.txt (line 1))
"""
UNREACHED = (
    "2026-11-29T10:00:00,000 Could not fetch URL https://user:****@pypi.example.org/simple/a/: connection error: "
    "HTTPSConnectionPool(host='pypi.example.org', port=443): Max retries exceeded with url: /simple/a/ (Caused by "
    "NewConnectionError('Connection refused')) - skipping\n"
)
REFUSED = (
    "2026-11-29T10:00:00,000 Could not fetch URL https://pypi.example.org/simple/a/: 401 Client Error: Unauthorized "
    "for url: https://pypi.example.org/simple/a/ - skipping\n"
)
FAILING = (
    "2026-11-29T10:00:00,000 Could not fetch URL https://pypi.example.org/simple/a/: HTTPSConnectionPool(host="
    "'pypi.example.org', port=443): Max retries exceeded with url: /simple/a/ (Caused by ResponseError('too many 503 "
    "error responses')) - skipping\n"
)
ABSENT = (
    "2026-11-29T10:00:00,000 Could not fetch URL https://pypi.org/simple/a/: 404 Client Error: Not Found for url: "
    "https://pypi.org/simple/a/ - skipping\n"
)
NO_A = "ERROR: Could not find a version that satisfies the requirement a (from versions: none)\n"


def failure(output: str, log: str = "") -> StorletShellError:
    """Return the error for a failed download."""
    return failure_of(Download(is_complete=False, output=output, log=log), files_by_package(log), WANTED)


def test_native_package_is_named_with_the_one_that_needs_it() -> None:
    """Although pip itself names neither as native: it only says that versions conflict."""
    error = failure(JINJA_OUTPUT, JINJA + JINJA_OUTPUT)
    assert isinstance(error, UsageError)
    assert str(error) == (
        "package markupsafe, which jinja2 needs, is native code, and only pure Python can be deployed; ask the "
        "cluster's operator to install it into the engine's Python (pip install markupsafe), then deploy with "
        'provided=["markupsafe"]'
    )


def test_native_wheel_that_is_named_by_its_path_is_refused() -> None:
    """Here pip doesn't log the file."""
    error = failure("ERROR: NumPy-2.0-cp311-cp311-win32.whl is not a supported wheel on this platform.\n")
    assert error.message.startswith("package numpy is native code, ")


def test_package_of_source_code_is_told_apart_from_a_native_one() -> None:
    """A wheel of it can be built."""
    error = failure(DOCOPT_OUTPUT, DOCOPT)
    assert error.message == "package docopt: has no wheel, only source code; build one (pip wheel docopt)"
    assert error.hint is not None
    assert error.hint.action is Action.NAME_WHEEL


def test_version_that_doesnt_exist_isnt_taken_for_a_native_one() -> None:
    """Some packages have wheels of either kind."""
    tags = f"none of the wheel's tags (cp311-cp311-win32) {INCOMPATIBLE}"
    log = (
        f"Skipping link: {tags}: https://x/a-1.0-cp311-cp311-win32.whl (from https://x/)\n"
        f"Skipping link: {tags}: https://x/a-2.0-cp311-cp311-win32.whl (from https://x/)\n"
        "Found link https://x/a-1.0-py3-none-any.whl (from https://x/), version: 1.0\n"
    )
    said = "Could not find a version that satisfies the requirement a=={} (from versions: 1.0)\n"
    assert isinstance(failure(said.format("3.0"), log), NotFoundError)
    assert failure(said.format("2.0"), log).message.startswith("package a is native code")
    assert failure(said.format("2.0").replace("==", ">="), log).message.startswith("package a is native code")


@pytest.mark.parametrize(
    ("output", "kind", "message"),
    [
        (HASHES, StorletShellError, "package humanize==4.9.0: the file isn't the one whose hash the requirements name"),
        (UNPINNED, UsageError, r"package humanize: needs a version \(==\) and hashes: if one requirement has a hash"),
        (
            "ERROR: Invalid requirement: 'a===='  (from line 3 of r.txt)\n",
            UsageError,
            "^r.txt:3: invalid requirement: 'a===='$",
        ),
        ("ERROR: Could not open requirements file: [Errno 2] 'x'\n", NotFoundError, "^pip: Could not open requirem"),
        ("Traceback\nMemoryError: all\n", StorletShellError, "^pip: MemoryError: all$"),
        ("Exception\nERROR: Exception:\nTraceback\nOSError: full\n", StorletShellError, "^pip: OSError: full$"),
        ("error: x\nnote: This error originates from a subprocess, and\n", UsageError, "^a requirement is source code"),
        ("", StorletShellError, "^pip: it ended without a message$"),
    ],
)
def test_refusal_is_one_line(output: str, kind: type[StorletShellError], message: str) -> None:
    """With the package, or the line of the file."""
    error = failure(output)
    assert type(error) is kind
    assert error.details == ""
    with pytest.raises(kind, match=message):
        raise error


@pytest.mark.parametrize(
    ("log", "reason"),
    [(UNREACHED, "can't be reached"), (REFUSED, "answers with status 401"), (FAILING, "answers with status 503")],
)
def test_index_that_cant_be_used_is_named_by_its_host(log: str, reason: str) -> None:
    """Instead of the package that wasn't found there."""
    error = failure(NO_A, log)
    assert isinstance(error, ServiceError)
    assert error.message.startswith(f"index pypi.example.org {reason}; PIP_INDEX_URL, ")
    lost = failure("ERROR: OSError: HTTPSConnectionPool(host='files.example.org', port=443): Read timed out.\n")
    assert lost.message.startswith("index files.example.org can't be reached; ")


def test_wheels_that_the_user_excludes_are_not_sought() -> None:
    """Although the index has them."""
    log = "Skipping link: No binaries permitted for a: https://x/a-1.0-py3-none-any.whl (from https://x/)\n"
    assert failure(NO_A, log).message == "package a: only wheels can be deployed, but --no-binary excludes its wheels"


def test_package_that_the_index_lacks_isnt_an_index_that_fails() -> None:
    """Its answer has the status 404."""
    error = failure(NO_A, ABSENT)
    assert type(error) is NotFoundError
    assert error.message == "package a: not found in the package index"


def test_messages_have_no_secrets() -> None:
    """Neither those in front of a host, nor those in a query."""
    text = "see https://user:secret@example.org:8080/simple/a/?token=secret#x and git+ssh://secret@example.org/x."
    assert without_secrets(text) == "see https://example.org:8080/simple/a/ and git+ssh://example.org/x."
    error = failure("ERROR: 401 Error for https://user:secret@example.org/simple?token=secret\n")
    assert error.message == "pip: 401 Error for https://example.org/simple"
