"""Storlets for tests: one for each way to succeed, and one for each way to fail."""

from __future__ import annotations

from textwrap import dedent

_FRAME = """
class Main:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        source, target = in_files[0], out_files[0]
{body}
"""


def storlet(*parts: str) -> str:
    """Return the code of a storlet with the given body of ``__call__``."""
    lines = [line for part in parts for line in dedent(part).strip("\n").split("\n")]
    return _FRAME.format(body="\n".join(f"        {line}" if line else "" for line in lines))


_WHOLE = """
target.close()
source.close()
"""

STORLETS = {
    "upper.py": storlet(
        """
        target.set_metadata(source.get_metadata())
        while chunk := source.read(65536):
            target.write(chunk.upper())
        self.logger.info("upper ran")
        """,
        _WHOLE,
    ),
    "tell.py": storlet(
        """
        import json
        source.read()
        target.set_metadata({"told": "yes"})
        chosen = {key: value for key, value in params.items() if not key.startswith("storlet_")}
        target.write(json.dumps(chosen, sort_keys=True).encode())
        """,
        _WHOLE,
    ),
    "join.py": storlet(
        """
        target.set_metadata({})
        for file in in_files:
            target.write(b"[" + file.read() + b"]")
            file.close()
        target.close()
        """
    ),
    "typed.py": storlet(
        """
        target.set_metadata({"content-type": "application/x-made", "Note": "gr\\u00fcn"})
        target.write(source.read())
        """,
        _WHOLE,
    ),
    "twice.py": storlet(
        """
        data = source.read()
        target.set_metadata(source.get_metadata())
        target.write(data + data)
        """,
        _WHOLE,
    ),
    "raises.py": storlet("source.read()\nraise ValueError('on purpose')"),
    "later.py": storlet(
        """
        source.read()
        target.set_metadata({})
        target.write(b"x" * 200000)
        raise ValueError("after the metadata")
        """
    ),
    "strs.py": storlet(
        """
        source.read()
        target.set_metadata({})
        target.write(b"first part, ")
        target.write("not bytes")
        """
    ),
    "quits.py": storlet("import os\nsource.read()\nos._exit(3)"),
    "silent.py": storlet("source.read()\nreturn"),
    "crlf.py": storlet(
        """
        source.read()
        target.set_metadata({"a": "b\\r\\nX-Injected: yes"})
        target.write(b"x")
        """,
        _WHOLE,
    ),
    "fat.py": storlet(
        """
        source.read()
        target.set_metadata({"a": "x" * 5000})
        target.write(b"x")
        """,
        _WHOLE,
    ),
    "script.py": storlet(
        """
        source.read()
        target.set_metadata({"a": "\\u65e5\\u672c"})
        target.write(b"x")
        """,
        _WHOLE,
    ),
    "lines.py": storlet(
        """
        target.set_metadata({})
        count = 0
        while line := source.readline():
            count += 1
        target.write(str(count).encode())
        """,
        _WHOLE,
    ),
}
"""Code by file name; the main class is ``Main``. Each reads its input, as storlets should."""

TEST_STORLET = """\
class TestStorlet(object):
    def __init__(self, logger):
        self.logger = logger
    def __call__(self, in_files, out_files, params):
        metadata = in_files[0].get_metadata()
        for key in params.keys():
            metadata[key] = params[key]
        out_files[0].set_metadata(metadata)
        while True:
            buf = in_files[0].read(65536)
            if not buf:
                break
            out_files[0].write(buf)
        in_files[0].close()
        out_files[0].close()"""
"""The storlet in the old extension's documentation, with bytes instead of text; empty lines would end a cell."""

DEPENDENT = """\
import os
class Main:
    def __init__(self, logger):
        pass
    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        with open(os.path.join(params['storlet_execution_path'], 'greeting.txt'), 'rb') as file:
            out_files[0].write(file.read().upper())
        out_files[0].close()"""
"""A storlet that needs the dependency ``greeting.txt``."""
