"""Deployed storlets: functions over a client."""
