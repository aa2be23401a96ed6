"""``storlet-shell`` and ``python -m storlet_shell``."""

from __future__ import annotations

from storlet_shell.adapters import startup


def main() -> None:
    """Run the command line as a process of its own."""
    restore_interrupts = startup.let_interrupts_kill()
    from storlet_shell.adapters.cli.main import run  # it takes most of the start

    restore_interrupts()
    run()


if __name__ == "__main__":
    main()
