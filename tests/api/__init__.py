"""The public API as a Python program uses it: against a real Swift with real storlets."""
