"""``python -m storlet_shell`` is ``storlet-shell``."""

from storlet_shell.adapters.cli import run

run()
