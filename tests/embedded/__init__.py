"""The tests of the embedded Swift, with real servers."""
