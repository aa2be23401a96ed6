"""A storlet-enabled Swift on loopback, in a process of its own.

The rest of the package uses it only through :mod:`storlet_shell.embedded.control`, which starts, finds and stops that
process and imports neither swift nor storlets nor eventlet.
"""
