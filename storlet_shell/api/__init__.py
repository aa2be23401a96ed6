"""The public API: connect to a store, and use it. Import its names from :mod:`storlet_shell`."""
