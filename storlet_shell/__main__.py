"""``python -m storlet_shell`` is ``storlet-shell``."""

import sys

from storlet_shell.adapters.cli import main

sys.exit(main())
