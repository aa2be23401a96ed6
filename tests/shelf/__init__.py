"""The standard storlets."""
