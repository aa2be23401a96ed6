"""Drivers that choose the endpoint of each run of a batch; loaded by name from ``storlet_shell.schedulers``."""

NAMESPACE = "storlet_shell.schedulers"
