"""Tests of the notebook front end, in a real shell, a real kernel, and a real terminal."""
