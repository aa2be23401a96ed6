"""The documentation is what happens: the README's session runs, and every page is found from there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.support.lines import ROOT, Runner

README = (ROOT / "README.md").read_text()
PROMPT = "local:AUTH_local> "


def session() -> Iterator[tuple[str, str]]:
    """Yield what is typed in the README's session, and what is shown then."""
    block = README.split("    $ .venv/bin/storlet-shell --local\n")[1].split("\nTab completes")[0]
    text = "\n".join(line.removeprefix("    ") for line in block.splitlines())
    for turn in text.split(PROMPT)[1:]:
        line, *rest = turn.splitlines()
        more = [each.removeprefix("> ").removeprefix(">") for each in rest if each.startswith(">")]
        shown = [each for each in rest if not each.startswith(">")]
        yield "\n".join([line, *more, ""]), "\n".join(shown).strip()


def plain(text: str) -> str:
    """Return a text without what differs each time: transactions, dates, durations, the line of a command file."""
    patterns = {
        r"tx[0-9a-f-]+": "TX",
        r"\d{4}-\d\d-\d\dT[\d:]+Z": "DATE",
        r"\d\.\d+ s": "TIME",
        r"standard input:1: ": "",
    }
    for pattern, name in patterns.items():
        text = re.sub(pattern, name, text)
    return text.strip()


def test_session_of_the_readme_goes_as_it_says(run: Runner) -> None:
    """Line by line, in order."""
    turns = list(session())
    assert len(turns) == 8
    for typed, shown in turns:
        outcome = run("-f", "-", stdin=typed.encode())
        assert plain(outcome.text + outcome.err) == plain(shown), typed


def test_every_page_is_found_from_the_readme() -> None:
    """And every link of a page leads to a file."""
    pages = sorted((ROOT / "docs").glob("*.md"))
    assert [page.name for page in pages if f"docs/{page.name}" not in README] == []
    for page in [ROOT / "README.md", *pages]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
