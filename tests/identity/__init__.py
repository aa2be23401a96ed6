"""Where an identity comes from, logins at a real Keystone, and what must be shown nowhere."""
