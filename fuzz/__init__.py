"""Coverage-guided fuzzing: bytes are mutated towards code that nothing has reached, and what must hold is checked.

Each target is a module with a function ``check``, which takes bytes and raises when something does not hold. None of
them imports atheris, so that the tests can replay the corpus without it.
"""
