"""The embedded Swift's own processes: configuration, rings, servers, Keystone."""
