"""The public API: a store, and how to connect to it. Import its names from :mod:`storlet_shell`."""
