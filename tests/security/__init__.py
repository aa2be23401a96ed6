"""What docs/security.md claims, tried."""
