"""Faults: processes killed, sockets cut, disks filled, and what must hold after each; ``make faults`` counts them.

Each module yields its counts. Nothing is simulated that a process or a socket can do: servers are the embedded Swift,
or a relay before it, or one that answers as a script says where a real one can't be made to.
"""
