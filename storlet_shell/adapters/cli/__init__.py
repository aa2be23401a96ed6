"""The command line: one-shot lines."""
