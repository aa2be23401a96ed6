"""Fault injection: killed processes, cut connections, full disks, and the guarantees that must hold; ``make faults``.

Each module yields rows of the table. Nothing is simulated that a process or a socket can do: servers are the embedded
Swift, or a relay in front of it, or a scripted one where a real one can't be made to fail that way.
"""
