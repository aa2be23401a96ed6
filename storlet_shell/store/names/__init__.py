"""The objects that the words of a line mean, and the folders that their names suggest."""
