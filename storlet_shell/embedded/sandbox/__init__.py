"""Confinement of storlets: namespaces, system calls, folders."""
