"""Add the long description to the metadata in setup.cfg: README without what works only inside this repository."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup


def without_relative_links(text: str) -> str:
    """Leave out relative pictures, and turn relative links into plain text.

    A package index can't resolve them: the metadata name no public URL of the repository.
    """
    text = re.sub(r"^!\[[^\]]*\]\((?!https:)[^)]*\)\n+", "", text, flags=re.MULTILINE)
    return re.sub(r"\[([^\]]+)\]\((?!https:)[^)]*\)", r"\1", text)


if __name__ == "__main__":  # as build back ends run it
    readme = Path(__file__).parent / "README.md"
    setup(long_description=without_relative_links(readme.read_text(encoding="utf-8")))
