"""Run storlets on OpenStack Swift from a shell, a command line, a command file or a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add every command as a magic: ``%load_ext storlet_shell``."""
    from storlet_shell.adapters.notebook import magics  # with it comes IPython

    magics.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away: ``%unload_ext storlet_shell``."""
    from storlet_shell.adapters.notebook import magics  # the same

    magics.unload(shell)
