"""Tests of ``select``."""
