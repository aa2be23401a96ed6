"""Tables of an exported notebook on paper, as Chromium lays them out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from storlet_shell.results import Field, Table
from tests.browser.conftest import ARGUMENTS, CHROMIUM

PAPER = 650
"""The width that nbconvert leaves to an output on a page of US Letter, in pixels."""

FAILURE = "storlet warm.py failed on path:/weather/today.csv: ValueError: could not convert string to float: 'mild'"
TRACEBACK = 'Traceback (most recent call last):\n  File "warm.py", line 6, in __call__\n' + "    ^" * 20
COLUMNS = ("time", "transaction", "request", "succeeded", "error", Field("text", is_block=True))
ROW = ("2026-11-29T21:13:24Z", "tx0428296f67054457a6a6d", "GET /v1/AUTH_local/weather/today.csv", False, FAILURE)


@pytest.fixture
def page() -> Iterator[Page]:
    """Open an empty page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser.new_page()
        browser.close()


def test_wide_table_is_not_cut_off_on_paper(page: Page) -> None:
    """On a screen, it scrolls instead, and its lines aren't wrapped."""
    table = Table(COLUMNS, [(*ROW, TRACEBACK)])._repr_mimebundle_()["text/html"]
    page.set_content(f'<div style="width:{PAPER}px;font-size:13px">{table}</div>')
    widths = {}
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        widths[media] = page.locator("table").evaluate("table => table.getBoundingClientRect().width")
    assert widths["print"] <= PAPER < widths["screen"]
