"""Packages that are deployed with a storlet: resolved by pip, and joined into one archive."""
