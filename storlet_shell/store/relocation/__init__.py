"""Copy and move objects inside the cluster as they are, one or many."""
