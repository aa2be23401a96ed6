"""What writes code for the project: new commands, and everything that is derived from the commands' specs."""
