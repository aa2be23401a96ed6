"""A storlet-enabled Swift on loopback, in a process of its own.

Nothing else in the package imports these modules except to start, find and stop that process
(:mod:`storlet_shell.embedded.control`, which imports neither swift nor storlets nor eventlet).
"""
