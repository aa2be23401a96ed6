"""Fuzz one target by atheris: ``python -m fuzz lines``, with libFuzzer's options after it, as ``-runs=100000``.

What is found goes into ``build/fuzz``, unless a folder is named; ``tests/corpus`` is where it begins.
"""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path

import atheris
from atheris.import_hook import HookManager

TARGETS = ("lines", "scripts", "responses")
ROOT = Path(__file__).resolve().parent.parent
_LONGEST = {"lines": 50, "scripts": 100, "responses": 400}
"""How many bytes an input has at most: beyond some lines of text, longer ones reach nothing new."""


def main() -> None:
    """Fuzz, until something does not hold or the runs are done; libFuzzer ends the process."""
    name, *options = sys.argv[1:] or [""]
    if name not in TARGETS:
        sys.exit(f"usage: python -m fuzz {'|'.join(TARGETS)} [OPTION OF LIBFUZZER|FOLDER …]")
    # Comparisons are not traced, which takes its time: the dictionaries hold what is compared with.
    with HookManager({"storlet_shell"}, set(), enable_loader_override=False, trace_dataflow=False):
        target = importlib.import_module(f"fuzz.{name}")
    folder = ROOT / "build" / "fuzz" / name
    folder.mkdir(parents=True, exist_ok=True)
    folders = (
        [] if any(not option.startswith("-") for option in options) else [folder, ROOT / "tests" / "corpus" / name]
    )
    defaults = [f"-max_len={_LONGEST[name]}", f"-dict={ROOT / 'fuzz' / f'{name}.dict'}", f"-artifact_prefix={folder}-"]
    itself = f"{sys.executable} -m fuzz {name}"  # libFuzzer starts itself anew to merge, by sh
    atheris.Setup([itself, *defaults, *options, *map(str, folders)], target.check)
    gc.freeze()
    atheris.Fuzz()


if __name__ == "__main__":
    main()
