"""Filters for Swift's pipelines, and the gateway that the storlets middleware calls."""
