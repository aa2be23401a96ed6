"""A query as text, as a tree, and in two parts: the plan for objects, and the rest."""
