"""Replay the fuzzing corpus: each input covers code that no other does, or once broke something."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz import lines, responses, scripts

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", [lines, scripts, responses], ids=lambda target: target.__name__)
def test_corpus_is_read(target: object) -> None:
    """All that the target's module says of any input holds."""
    files = sorted((CORPUS / target.__name__.removeprefix("fuzz.")).iterdir())
    assert files
    for file in files:
        try:
            target.check(file.read_bytes())
        except Exception as error:
            error.add_note(f"over {file}")
            raise


def test_corpus_is_small() -> None:
    """It is a part of the repository."""
    sizes = [file.stat().st_size for file in CORPUS.rglob("*") if file.is_file()]
    assert len(sizes) <= 200
    assert sum(sizes) <= 200_000
