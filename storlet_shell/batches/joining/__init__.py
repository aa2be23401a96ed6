"""One result from the results of many objects."""
