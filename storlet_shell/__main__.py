"""The entry point of ``storlet-shell`` and ``python -m storlet_shell``."""

from __future__ import annotations

from storlet_shell.adapters import startup


def main() -> None:
    """Run the command line, then end the process."""
    restore_interrupts = startup.let_interrupts_kill()
    from storlet_shell.adapters.cli.main import run  # takes most of the start-up time

    restore_interrupts()
    run()


if __name__ == "__main__":
    main()
