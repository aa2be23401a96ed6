"""Tests of functions as storlets."""
