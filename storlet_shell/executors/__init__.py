"""Drivers that do a batch's tasks side by side; loaded by name from ``storlet_shell.executors``."""
