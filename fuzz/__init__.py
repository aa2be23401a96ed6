"""Coverage-guided fuzzing: bytes are mutated towards new code, and properties are checked.

Each target is a module with a function ``check``, which takes bytes and raises an exception if a property doesn't hold.
None of them imports atheris, so that the tests can replay the corpus without it.
"""
