"""The front ends: each renders the command registry in its own way and knows no command."""
