"""Aliases for xonsh."""
