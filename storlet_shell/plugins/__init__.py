"""Plug-ins of other packages: commands, schedulers and executors."""
