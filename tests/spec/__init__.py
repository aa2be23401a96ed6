"""What a command is, and how its line is parsed."""
