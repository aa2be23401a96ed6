"""Identities: find the user's credentials, and log in once per session."""
