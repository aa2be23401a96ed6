"""The storlet engine: versions of storlets, their invocations and logs."""
