"""``storlet-shell`` and ``python -m storlet_shell``."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line as a process of its own.

    While its modules are read, Ctrl-C ends the process as it ends others: by the signal, not by a traceback.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from storlet_shell.adapters.cli.main import run  # it takes most of the start

    signal.signal(signal.SIGINT, interrupt)
    run()


if __name__ == "__main__":
    main()
