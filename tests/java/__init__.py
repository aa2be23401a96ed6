"""Java storlets on the client's side."""
