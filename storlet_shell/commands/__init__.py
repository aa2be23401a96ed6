"""The commands, one module each, named by the verb that users type."""
