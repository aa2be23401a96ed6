"""Tests of files and folders on their way into the store and out of it."""
