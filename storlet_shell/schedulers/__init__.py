"""Drivers that choose the endpoint of a batch's next run; loaded by name from ``storlet_shell.schedulers``."""

NAMESPACE = "storlet_shell.schedulers"
