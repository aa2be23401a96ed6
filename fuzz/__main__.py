"""Fuzz one target with atheris: ``python -m fuzz lines``, followed by libFuzzer's options, such as ``-runs=100000``.

New inputs go to ``build/fuzz`` unless a folder is named; it starts from ``tests/corpus``.
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
"""The maximum size of inputs, in bytes: beyond some lines of text, longer ones reach nothing new."""


def main() -> None:
    """Fuzz until a property fails or the runs are done; libFuzzer ends the process."""
    name, *options = sys.argv[1:] or [""]
    if name not in TARGETS:
        sys.exit(f"usage: python -m fuzz {'|'.join(TARGETS)} [OPTION OF LIBFUZZER|FOLDER …]")
    # Comparisons aren't traced, which would take time: the dictionaries contain the compared values.
    with HookManager({"storlet_shell"}, set(), enable_loader_override=False, trace_dataflow=False):
        target = importlib.import_module(f"fuzz.{name}")
    folder = ROOT / "build" / "fuzz" / name
    folder.mkdir(parents=True, exist_ok=True)
    folders = (
        [] if any(not option.startswith("-") for option in options) else [folder, ROOT / "tests" / "corpus" / name]
    )
    defaults = [f"-max_len={_LONGEST[name]}", f"-dict={ROOT / 'fuzz' / f'{name}.dict'}", f"-artifact_prefix={folder}-"]
    itself = f"{sys.executable} -m fuzz {name}"  # libFuzzer restarts itself by sh to merge
    atheris.Setup([itself, *defaults, *options, *map(str, folders)], target.check)
    gc.freeze()
    atheris.Fuzz()


if __name__ == "__main__":
    main()
