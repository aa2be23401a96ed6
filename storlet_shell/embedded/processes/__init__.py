"""The processes that run storlets, and their messages."""
