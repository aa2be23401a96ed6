"""Storlets before their deployment: read and check their source or jar, and try them on this machine."""
