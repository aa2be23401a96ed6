"""Functions as storlets: their signatures, the code that is deployed, and the adapter in it."""
