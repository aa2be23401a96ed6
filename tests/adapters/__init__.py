"""The tests of the front ends, against a real Swift."""
