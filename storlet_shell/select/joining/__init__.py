"""The result of a query from the results of objects."""
