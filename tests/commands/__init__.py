"""Tests of the commands, each over the wire and against the real embedded Swift."""
