"""The rows of a batch, and those of them that people see."""
