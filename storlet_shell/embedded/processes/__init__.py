"""The processes that storlets run in, and what they are told."""
