"""Command files, and the grammar of their lines."""
