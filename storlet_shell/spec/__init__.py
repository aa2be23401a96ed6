"""What a command is: its arguments, its parser, and the registry that finds it."""
