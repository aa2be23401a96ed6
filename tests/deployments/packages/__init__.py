"""Packages that are deployed with storlets."""
