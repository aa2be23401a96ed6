"""The checks of a Python storlet's source before it is deployed."""
