"""Deploying storlets and managing deployed ones: functions over a client."""
