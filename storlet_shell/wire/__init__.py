"""Requests to the object store and their responses."""
