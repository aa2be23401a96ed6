"""The adapter of a function storlet: the engine calls it, and it calls the function.

Each deployed file ends with a copy of these modules, so they are for engines with older Pythons, too: standard library
only, and the syntax of Python 3.8. Their global names start with ``storlet_`` or an underscore, so that they don't
collide with those of a user's code.
"""

MODULES = ("types", "inputs", "output", "frames", "results", "call")
"""The modules in the order of their copies."""
