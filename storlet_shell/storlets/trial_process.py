"""The process of a dry run; :mod:`.trial` starts it, and has the other ends of its pipes.

The storlet gets the same as in the embedded engine: upstream's own file classes if they are installed (otherwise ours,
which behave alike) over pipes, the same call, the same streams, and an empty working folder.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from storlet_shell.storlets import running

try:
    from storlets.agent.daemon import files
except ImportError:  # the extra "embedded" is not installed
    from storlet_shell.storlets import trial_files as files


def main() -> None:
    """Run the storlet described by a JSON file, whose name is the argument, and report the result.

    ``descriptors`` in the file are those of the log, the metadata, the body, the input, and the result.
    """
    spec = json.loads(Path(sys.argv.pop()).read_bytes())
    sys.dont_write_bytecode = True
    log, metadata, body, source, result = spec["descriptors"]
    for standard in (1, 2):
        os.dup2(log, standard)
    running.prepare_streams()
    process, seconds = os.getpid(), 0.0
    try:
        storlet, failure = running.load(spec["main"], spec["folder"])
        if failure is None:
            in_files = [files.StorletInputFile(spec["metadata"], source)]
            out_files = [files.StorletOutputFile(metadata, body)]
            logger = running.make_logger_class(files.StorletLogger)(spec["main"], log)
            started = time.monotonic()
            failure = running.call(storlet, in_files, out_files, logger, spec["parameters"], spec["folder"])
            seconds = time.monotonic() - started
        if os.getpid() == process:  # not a child that the storlet forked and that returned
            os.write(result, json.dumps(failure or {"event": "done", "seconds": seconds}).encode())
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(0)  # as in the engine: threads and exit handlers can't delay it
