"""Run storlets on OpenStack Swift from a shell, a command line, a command file or a notebook."""

__version__ = "0.1.0"
