"""Storlets before they are deployed: sources, jars, dry runs."""
