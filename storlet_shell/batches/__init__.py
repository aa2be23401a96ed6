"""One storlet over many objects: listing → tasks → executor → outcomes → journal → rows."""
