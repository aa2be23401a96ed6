"""Functions over a client: listings, and where storlets run."""
