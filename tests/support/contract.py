"""Storlets that the dry run, the embedded engine, and upstream's agent must treat alike, with their expected outcomes.

Each is either the body of a ``__call__``, in which ``source`` and ``target`` are the first files, or a whole module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import dedent, indent
from typing import Any

CONTENT = b"one\ntwo\n\n" + b"long " * 1000 + b"\nlast line without an end"
"""The content of their input."""

METADATA = {"Color": "red"}
"""The metadata of their input."""

PROBES = """
def probe(action):
    try:
        value = action()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return repr(value) if not hasattr(value, "obj_fd") else "a file"

def members(file):
    return sorted(name for name in dir(file) if not name.startswith("__"))

report = {"input": members(source), "output": members(target), "logger": members(self.logger)}
for file in (source, target):
    for name, action in {
        "kind": lambda: (type(file).__module__ != "", type(file).__name__, file.mode),
        "number": lambda: file.fileno() == file.obj_fd == file.obj_file.fileno(),
        "seek": lambda: file.seek(0), "seek end": lambda: file.seek(0, 2), "seek bare": lambda: file.seek(),
        "tell": lambda: file.tell(), "name": lambda: file.name, "readable": lambda: file.readable(),
        "writable": lambda: file.writable(), "seekable": lambda: file.seekable(), "read1": lambda: file.read1(),
        "readinto": lambda: file.readinto(bytearray(1)), "truncate": lambda: file.truncate(),
        "isatty": lambda: file.isatty(), "detach": lambda: file.detach(), "peek": lambda: file.peek(),
        "object": lambda: type(file.obj_file).__name__, "object seekable": lambda: file.obj_file.seekable(),
        "object seek": lambda: file.obj_file.seek(0), "object tell": lambda: file.obj_file.tell(),
        "stat": lambda: __import__("stat").S_ISFIFO(__import__("os").fstat(file.fileno()).st_mode),
        "closed": lambda: file.closed, "iter": lambda: iter(file) is file, "enter": lambda: file.__enter__() is file,
        "text": lambda: __import__("io").TextIOWrapper(file), "attribute": lambda: file.nothing,
        "buffered": lambda: __import__("io").BufferedReader(file),
    }.items():
        report[f"{type(file).__name__} {name}"] = probe(action)
for name, action in {
    "write": lambda: source.write(b"x"), "writelines": lambda: source.writelines([]), "flush": lambda: source.flush(),
    "set_metadata": lambda: source.set_metadata({}), "metadata": lambda: source.get_metadata(),
    "metadata is a copy": lambda: (source.get_metadata().clear(), source.get_metadata()),
    "read none": lambda: source.read(None), "read text": lambda: source.read("1"), "read 0": lambda: source.read(0),
    "readline none": lambda: source.readline(None), "readlines none": lambda: source.readlines(None),
    "read 2": lambda: source.read(2), "readline": lambda: source.readline(), "readline 2": lambda: source.readline(2),
    "read keyword": lambda: source.read(size=1), "rest of line": lambda: source.readline(),
    "readline 0": lambda: source.readline(0), "buffer": lambda: (len(source.buf), source.buf[:9]),
    "read float": lambda: source.read(1.5), "empty line": lambda: source.readline(),
    "peek": lambda: source.obj_file.peek(1)[:5],
    "readlines 3": lambda: source.readlines(3), "readlines hint": lambda: source.readlines(sizehint=2),
    "object": lambda: source.obj_file.read(3), "next": lambda: next(source), "next at the end": lambda: next(source),
    "old next": lambda: source.next(), "read at the end": lambda: source.read(),
    "line at the end": lambda: source.readline(),
    "lines at the end": lambda: source.readlines(), "list": lambda: list(source),
}.items():
    report[f"input {name}"] = probe(action)
for name, action in {
    "early write": lambda: target.write(b"x"), "early writelines": lambda: target.writelines([b"x"]),
    "early metadata": lambda: target.get_metadata(), "early flush": lambda: target.flush(),
    "no JSON": lambda: target.set_metadata({"a": b"b"}), "keyword": lambda: target.set_metadata(metadata={}),
    "metadata": lambda: target.set_metadata({"a": [1]}), "metadata twice": lambda: target.set_metadata({}),
    "metadata back": lambda: target.get_metadata(), "read": lambda: target.read(),
    "readline": lambda: target.readline(),
    "readlines": lambda: target.readlines(), "next": lambda: next(target), "write": lambda: target.write(b"1"),
    "text": lambda: target.write("text"), "number": lambda: target.write(1), "none": lambda: target.write(None),
    "bytearray": lambda: target.write(bytearray(b"2")), "view": lambda: target.write(memoryview(b"3")),
    "lines": lambda: target.writelines([b"4", b"5"]), "lines of text": lambda: target.writelines(["text"]),
    "flush": lambda: target.flush(), "metadata file": lambda: target.md_file.closed,
}.items():
    report[f"output {name}"] = probe(action)
for name in ("debug", "info", "warn", "warning", "error", "exception", "critical", "log", "setLevel"):
    report[f"logger {name}"] = probe(lambda: getattr(self.logger, name)("a line"))
report["logger arguments"] = probe(lambda: self.logger.info("%s", 1))
report["logger no text"] = probe(lambda: self.logger.info({1: 2}))
report["logger file"] = (self.logger.closed, self.logger.storlet_name, self.logger.log_file.fileno() == self.logger.fd)
with source:
    pass
for name, action in {
    "closed": lambda: source.closed, "close": lambda: source.close(), "read": lambda: source.read(),
    "read 0": lambda: source.read(0), "readline": lambda: source.readline(), "list": lambda: list(source),
    "number": lambda: source.fileno() == source.obj_fd, "metadata": lambda: source.get_metadata(),
    "enter": lambda: source.__enter__() is source,
}.items():
    report[f"closed input {name}"] = probe(action)
report["place"] = (__import__("os").listdir("."), sorted(__import__("os").environ), list(params)[1:])
target.close()
for name, action in {
    "closed": lambda: target.closed, "close": lambda: target.close(), "write": lambda: target.write(b"x"),
    "flush": lambda: target.flush(), "metadata": lambda: target.get_metadata(),
}.items():
    report[f"closed output {name}"] = probe(action)
self.logger.info("REPORT" + __import__("json").dumps(report))
"""
"""Tries each member of the files and the logger, in one run; its log reports what came of each."""


@dataclass(frozen=True)
class Case:
    """A storlet, and what comes of a run.

    :param code: the body of ``__call__``
    :param module: a whole module with a class ``Main`` instead
    :param output: what it writes
    :param metadata: what it sets, as it arrives
    :param kind: how it fails; empty if it doesn't
    :param message: part of why
    :param is_refused: by design, where upstream's engine lets it pass, or loses the metadata
    """

    code: str = ""
    module: str = ""
    output: bytes = b""
    metadata: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    message: str = ""
    is_refused: bool = False

    @property
    def source(self) -> str:
        """The code of its module."""
        return dedent(self.module) if self.module else module(self.code)


def module(code: str) -> str:
    """Return a module whose class ``Main`` runs code; if empty, the code in the parameter ``code``."""
    code = code or "exec(params['code'], {**globals(), **locals()})"
    return (
        "class Main:\n    def __init__(self, logger):\n        self.logger = logger\n\n"
        "    def __call__(self, in_files, out_files, params):\n        source, target = in_files[0], out_files[0]\n"
        + indent(dedent(code).strip("\n"), " " * 8)
        + "\n"
    )


def _metadata(value: str, **outcome: Any) -> Case:
    return Case(f"source.read()\ntarget.set_metadata({value})\ntarget.write(b'x')", **{"output": b"x", **outcome})


def _bad(value: str, message: str, *, is_refused: bool = True) -> Case:
    return _metadata(value, output=b"", kind="metadata", message=message, is_refused=is_refused)


METADATA_CASES = {
    "one": _metadata("{'a': 'b'}", metadata={"A": "b"}),
    "none at all": _metadata("{}"),
    "the input's": _metadata("source.get_metadata()", metadata=METADATA),
    "a number": _metadata("{'a': 1, 'b': 1.5, 'c': True}", metadata={"A": "1", "B": "1.5", "C": "True"}),
    "a list and a dict": _metadata("{'a': [1], 'b': {'c': 1}}", metadata={"A": "[1]", "B": "{'c': 1}"}),
    "None": _metadata("{'a': None, 'b': 'c'}", metadata={"B": "c"}),
    "the engine's parameter": _metadata(
        "{name: value for name, value in params.items() if name == 'storlet_execution_path'}", metadata={}
    ),
    "empty": _metadata("{'a': ''}", metadata={"A": ""}),
    "a name that is a number": _metadata("{1: 'a'}", metadata={"1": "a"}),
    "each character of a token": _metadata("{\"!#$%&'*+.^`|~-0aZ\": 'x'}", metadata={"!#$%&'*+.^`|~-0aZ": "x"}),
    "an underscore": _metadata("{'a_b': 'x'}", metadata={"A_B": "x"}),
    "an underscore of S3's": _metadata("{'a=5fb': 'x'}", metadata={"A=5Fb": "x"}),
    "an equals sign": _bad("{'a=b': 'x'}", "can't be a header name"),
    "Latin-1": _metadata("{'a': 'gr\\u00fcn'}", metadata={"A": "gr\u00fcn"}),
    "UTF-8 read as Latin-1": _metadata(
        "{'a': '\\u00c3\\u0085 \\u00c3\\u00a0'}", metadata={"A": "\u00c3\u0085 \u00c3\u00a0"}
    ),
    "names of real headers": _metadata(
        "{'Content-Length': '3', 'Transfer-Encoding': 'chunked', 'X-Trans-Id': 't', 'etag': 'e', 'Date': 'b'}",
        metadata={
            "Content-Length": "3",
            "Transfer-Encoding": "chunked",
            "X-Trans-Id": "t",
            "Etag": "e",
            "Date": "b",
        },
    ),
    "as much as there may be": _metadata("{'a': 'x' * (4096 - 9)}", metadata={"A": "x" * 4087}),
    "a blank in a name": _bad("{'first name': 'x'}", "'first name' can't be a header name"),
    "a name that isn't ASCII": _bad("{'\\u00e9': 'x'}", "can't be a header name"),
    "a name in Japanese": _bad("{'\\u65e5': 'x'}", "can't be a header name"),
    "a name with a colon": _bad("{'a:b': 'x'}", "can't be a header name"),
    "a name with a slash": _bad("{'a/b': 'x'}", "can't be a header name"),
    "no name": _bad("{'': 'x'}", "can't be a header name"),
    "a blank as a name": _bad("{' ': 'x'}", "can't be a header name"),
    "a name with a line's end": _bad("{'a\\n': 'x'}", "control character"),
    "a name of the middleware's": _bad("{'storlet-x': '1'}", "the middleware drops metadata whose names start with"),
    "the same with _": _bad("{'Storlet_x': '1'}", "the middleware drops metadata whose names start with"),
    "two lines": _bad("{'a': 'b\\r\\nX-Evil: 1'}", "control character"),
    "a tab": _bad("{'a': 'b\\tc'}", "control character"),
    "a NUL": _bad("{'a': 'b\\0c'}", "control character"),
    "a value in Japanese": _bad("{'uni': '\\u65e5'}", "outside Latin-1"),
    "a value with a surrogate": _bad("{'a': '\\udcff'}", "outside Latin-1"),
    "a list in Japanese": _bad("{'a': ['\\u65e5']}", "outside Latin-1"),
    "a blank at the start": _bad("{'a': ' x'}", "starts or ends with a blank"),
    "a blank at the end": _bad("{'a': 'x '}", "starts or ends with a blank"),
    "a blank": _bad("{'a': ' '}", "starts or ends with a blank"),
    "names that differ in case": _bad("{'a': '1', 'A': '2'}", "'a' and 'A' would become the same header"),
    "names that differ in _": _bad("{'a_b': '1', 'a-b': '2'}", "'a_b' and 'a-b' would become the same header"),
    "a name twice": _bad("{1: 'a', '1': 'b'}", "name '1' twice"),
    "no content type": _bad("{'content-type': ''}", "content type ''"),
    "a content type that isn't ASCII": _bad("{'Content-Type': 'text/\\u00e9'}", "content type"),
    "a list": _bad("['a']", "a list, not a dict"),
    "text": _bad("'a'", "a str, not a dict"),
    "null": _bad("None", "a NoneType, not a dict"),
    "too much": _bad("{'a': 'x' * 5000}", "its metadata are too long: at most 4096", is_refused=False),
    "far too much": _bad("{'a': 'x' * 200_000}", "its metadata are too long: at most 4096", is_refused=False),
    "bytes": _metadata("{'a': b'b'}", output=b"", kind="raised", message="bytes is not JSON serializable"),
    "nothing": Case("source.read()", kind="metadata", message="ended without out_files[0].set_metadata()"),
    "deep": Case(
        "source.read()\ntarget.md_file.write(b'{\"a\":' + b'[' * 2000 + b']' * 2000 + b'}')\ntarget.md_file.close()",
        kind="metadata",
        message="aren't JSON",
    ),
}
"""Storlets that differ in their metadata."""


def _whole(code: str, **outcome: Any) -> Case:
    return Case(module=code, **outcome)


_REST = """
    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        out_files[0].write(in_files[0].readline())
"""

SIGNATURE_CASES = {
    "other names": _whole(
        """
        class Main:
            def __init__(this, log): pass
            def __call__(this, i, o, p):
                o[0].set_metadata({}); o[0].write(i[0].readline())
        """,
        output=b"one\n",
    ),
    "defaults": _whole(
        """
        class Main:
            def __init__(self, logger=None, more=1): pass
            def __call__(self, i=None, o=None, p=None, q=None):
                o[0].set_metadata({}); o[0].write(i[0].readline())
        """,
        output=b"one\n",
    ),
    "stars": _whole(
        """
        class Main:
            def __init__(self, *logger, **more): pass
            def __call__(self, *files, **more):
                files[1][0].set_metadata({}); files[1][0].write(files[0][0].readline())
        """,
        output=b"one\n",
    ),
    "no logger": _whole(
        "class Main:\n    def __init__(self): pass\n" + _REST, kind="raised", message="takes 1 positional argument"
    ),
    "no __init__": _whole("class Main:" + _REST, kind="raised", message="Main() takes no arguments"),
    "no __call__": _whole(
        "class Main:\n    def __init__(self, logger): pass", kind="raised", message="'Main' object is not callable"
    ),
    "too few": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            def __call__(self, in_files, out_files): pass
        """,
        kind="raised",
        message="takes 3 positional arguments but 4 were given",
    ),
    "too many": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            def __call__(self, in_files, out_files, params, more): pass
        """,
        kind="raised",
        message="missing 1 required positional argument: 'more'",
    ),
    "keyword only": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            def __call__(self, in_files, out_files, *, params): pass
        """,
        kind="raised",
        message="takes 3 positional arguments but 4 were given",
    ),
    "async": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            async def __call__(self, in_files, out_files, params):
                out_files[0].set_metadata({})
        """,
        kind="raised",
        message="Main.__call__ is a coroutine (async def)",
    ),
    "generator": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            def __call__(self, in_files, out_files, params):
                out_files[0].set_metadata({})
                yield b"x"
        """,
        kind="raised",
        message="Main.__call__ is a generator",
    ),
    "async generator": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            async def __call__(self, in_files, out_files, params):
                out_files[0].set_metadata({})
                yield b"x"
        """,
        kind="raised",
        message="Main.__call__ is a generator",
    ),
    "returns a generator": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            def __call__(self, in_files, out_files, params):
                out_files[0].set_metadata({}); out_files[0].write(in_files[0].readline())
                return (number for number in range(3))
        """,
        output=b"one\n",
    ),
    "static method": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            @staticmethod
            def __call__(in_files, out_files, params):
                out_files[0].set_metadata({}); out_files[0].write(in_files[0].readline())
        """,
        output=b"one\n",
    ),
    "class method": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            @classmethod
            def __call__(cls, in_files, out_files, params):
                out_files[0].set_metadata({}); out_files[0].write(in_files[0].readline())
        """,
        output=b"one\n",
    ),
    "inherited": _whole(
        "class Base:\n    def __init__(self, logger): pass\n" + _REST + "\nclass Main(Base): pass\n", output=b"one\n"
    ),
    "a function": _whole(
        """
        def Main(logger):
            def call(in_files, out_files, params):
                out_files[0].set_metadata({}); out_files[0].write(in_files[0].readline())
            return call
        """,
        output=b"one\n",
    ),
    "an object": _whole(
        "class Storlet:\n    def __call__(self, *args): return self if len(args) == 1 else self.run(*args)\n"
        "    def run(self, in_files, out_files, params):\n"
        "        out_files[0].set_metadata({}); out_files[0].write(in_files[0].readline())\n"
        "Main = Storlet()\n",
        output=b"one\n",
    ),
    "assigned": _whole(
        """
        class Main:
            def __init__(self, logger): pass
            __call__ = lambda self, i, o, p: (o[0].set_metadata({}), o[0].write(i[0].readline()))
        """,
        output=b"one\n",
    ),
    "no class": _whole("Other = 1", kind="raised", message="main.py has no class Main"),
    "no such import": _whole("import nosuchmodule", kind="raised", message="No module named 'nosuchmodule'"),
    "an import that exits": _whole("import sys; sys.exit(1)", kind="exited", message="it called exit(1)"),
    "raises": Case("raise KeyError('x')", kind="raised", message="KeyError: 'x'"),
    "raises a text of surrogates": Case("raise ValueError('\\udcff')", kind="raised", message="ValueError: \\udcff"),
    "raises a long text": Case(
        "raise ValueError('\\u65e5' * 100_000)", kind="raised", message="ValueError: \u65e5\u65e5"
    ),
    "exits": Case("raise SystemExit(3)", kind="exited", message="it called exit(3)"),
    "is interrupted": Case("raise KeyboardInterrupt", kind="raised", message="KeyboardInterrupt"),
    "exits well": Case(
        "target.set_metadata({}); target.write(source.readline()); target.close(); raise SystemExit",
        kind="exited",
        message="it called exit()",
        is_refused=True,
    ),
    "ends its process": Case("import os; os._exit(3)", kind="exited", message="exited with status 3"),
    "is killed": Case("import os; os.kill(os.getpid(), 9)", kind="killed", message="killed by signal SIGKILL"),
    "forks, and both come back": Case(
        "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0); target.set_metadata({}); target.write(source.read(3))",
        output=b"one",
    ),
    "leaves a thread": Case(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
        "target.set_metadata({}); target.write(source.read(3))",
        output=b"one",
    ),
    "reads with a program": Case(
        "import subprocess\ntarget.set_metadata({})\n"
        "target.write(subprocess.run(['tail', '-c', '7'], stdin=source.fileno(), capture_output=True).stdout)",
        output=CONTENT[-7:],
    ),
    "writes with a program": Case(
        "import subprocess\ntarget.set_metadata({})\nsource.read()\n"
        "subprocess.run(['echo', 'x'], stdout=target.fileno())",
        output=b"x\n",
    ),
    "closes nothing": Case("target.set_metadata({}); target.write(source.read(3))", output=b"one"),
    "an image": Case("source.seek(0)\ntarget.set_metadata({})", kind="raised", message="NotImplementedError"),
    "reads None": Case(
        "source.read(None)", kind="raised", message="not supported between instances of 'NoneType' and 'int'"
    ),
    "writes text": Case(
        "target.set_metadata({}); target.write('x')", kind="raised", message="(out_files[0].write takes bytes, not str)"
    ),
    "looks for a file beside itself": Case(
        "target.set_metadata({}); target.write(open('main.py', 'rb').read())",
        kind="raised",
        message="FileNotFoundError",
    ),
    "keeps to its folder": Case(
        "import os\ntarget.set_metadata({})\nopen('x', 'wb').write(b'y')\ntarget.write(open('x', 'rb').read())\n"
        "assert os.getcwd() == os.environ['HOME'] == os.environ['TMPDIR'] != params['storlet_execution_path']",
        output=b"y",
    ),
    "asks for the user's own variables": Case(
        "import os\nos.environ['USER']", kind="raised", message="KeyError: 'USER'"
    ),
    "prints anything": Case(
        "print('\\udcff \u65e5')\ntarget.set_metadata({}); target.write(source.read(3))", output=b"one"
    ),
}
"""Storlets with unusual signatures, or with unusual ends."""

POOLS = {
    "multiprocessing.Pool": Case(
        "import multiprocessing\ntarget.set_metadata({})\nwith multiprocessing.Pool(2) as pool:\n"
        "    target.write(b'%d' % sum(pool.map(abs, [-1, -2])))",
        output=b"3",
    ),
    "ProcessPoolExecutor": Case(
        "from concurrent.futures import ProcessPoolExecutor\ntarget.set_metadata({})\n"
        "with ProcessPoolExecutor(2) as pool:\n    target.write(b'%d' % sum(pool.map(abs, [-1, -2])))",
        output=b"3",
    ),
    "multiprocessing.Queue": Case(
        "import multiprocessing\ntarget.set_metadata({})\nqueue = multiprocessing.Queue()\n"
        "process = multiprocessing.Process(target=queue.put, args=(b'3',))\nprocess.start()\n"
        "target.write(queue.get())\nprocess.join()",
        output=b"3",
    ),
}
"""Storlets with several processes, which share semaphores in /dev/shm."""
