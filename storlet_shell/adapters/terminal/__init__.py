"""What a terminal shows: colors, JSON documents, tracebacks, and the pager."""
