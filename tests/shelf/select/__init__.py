"""The storlet behind select, compared with SQLite."""
