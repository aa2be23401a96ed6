"""JupyterLab in Chromium: type lines, complete them with Tab, run them, and see the results."""

from __future__ import annotations

import io
import os
import random
import re

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from storlet_shell.embedded import control
from tests.browser.conftest import Lab
from tests.notebook.conftest import identity
from tests.notebook.old_notebook import Step, steps
from tests.support.lines import Runner


def _seen(cell: Locator) -> str:
    """Return what is seen below a cell."""
    return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())


def _press_tab_until_offered(page: Page, name: str) -> None:
    """Press Tab, and again where the first look-up took longer than a Tab waits for: what it found is kept."""
    for _ in range(5):
        page.keyboard.press("Tab")
        try:
            expect(page.locator(".jp-Completer-item")).to_contain_text(name, timeout=10_000)
        except AssertionError:
            continue
        return
    raise AssertionError(f"{name} is not offered")


def test_notebook_in_a_browser(lab: Lab, swift: control.Running, container: str, run: Runner) -> None:
    """An object's name is completed with Tab, its table is seen, and an error is one short line.

    SCREENSHOT names a file for a picture of it.
    """
    run("upload", f"{container}/people.csv", stdin=b"name,age\nann,31\nbob,25\n")
    first = f"import os\nos.environ.update({identity(swift)!r})\n%load_ext storlet_shell"
    page = lab.open("typed", [Step("", first), Step("", ""), Step("", "")])
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output").first).to_contain_text("%storlet")
    cell = page.locator(".jp-Cell").nth(1)
    cell.locator(".cm-content").click()
    page.keyboard.type(f"%get {container}/peo", delay=20)
    _press_tab_until_offered(page, f"{container}/people.csv")
    page.keyboard.press("Tab")
    expect(cell.locator(".cm-content")).to_have_text(f"%get {container}/people.csv")
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-OutputArea-output td", has_text="ann")).to_be_visible()
    expect(cell.locator(".jp-OutputArea-output strong")).to_contain_text("200 OK")

    failing = page.locator(".jp-Cell").nth(2)
    failing.locator(".cm-content").click()
    page.keyboard.type(f"%get {container}/missing")
    page.keyboard.press("Shift+Enter")
    expect(failing.locator(".jp-OutputArea-output")).to_contain_text("NotFoundError")
    assert _seen(failing).strip().count("\n") == 0
    if "SCREENSHOT" in os.environ:
        page.screenshot(path=os.environ["SCREENSHOT"])


def test_old_notebook_in_a_browser(lab: Lab, swift: control.Running, container: str) -> None:
    """A notebook of the removed extension, opened and run as a whole: below each cell is what must be seen."""
    cells = steps(swift, container)
    page = lab.open("old", cells)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(page.locator(".jp-Cell").last.locator(".jp-InputPrompt")).to_have_text(f"[{len(cells)}]:")
    for number, step in enumerate(cells):
        cell = page.locator(".jp-Cell").nth(number)
        cell.scroll_into_view_if_needed()  # what is out of sight is not drawn
        for text in step.seen:
            shown = re.compile(r"(: |\t)".join(map(re.escape, text.split(": "))))  # facts are a table on a page
            expect(cell.locator(".jp-Cell-outputArea")).to_contain_text(shown, use_inner_text=True)
        step.check(_seen(cell).replace("\t", ": "))


def test_page_of_a_notebook(lab: Lab, swift: control.Running, container: str, run: Runner) -> None:
    """Shift-Tab shows a magic's usage; a large image arrives; a table has headings, sizes, and no broken words."""
    run("upload", f"{container}/people.csv", stdin=b"name,age\nann,31\nbob,25\n")
    run("upload", f"{container}/large.png", stdin=_noise(1000, 1000))
    cells = [
        f"import os\nos.environ.update({identity(swift)!r})\n%load_ext storlet_shell",
        f"%sls -l {container}",
        f"%get {container}/large.png",
        "",
    ]
    page = lab.open("page", [Step("", cell) for cell in cells])
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    table = page.locator(".jp-Cell").nth(1).locator("table")
    expect(table.locator("th[scope=col]")).to_have_text(["bytes", "last modified", "name"])
    expect(table.locator("td").first).to_have_css("text-align", "right")
    expect(table.locator("td").first).to_contain_text("MiB")
    image = page.locator(".jp-Cell").nth(2).get_by_alt_text("large.png")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") == 1000
    last = page.locator(".jp-Cell").nth(3)
    last.scroll_into_view_if_needed()
    last.locator(".cm-content").click()
    page.keyboard.type("%get")
    page.keyboard.press("Shift+Tab")
    tooltip = page.locator(".jp-Tooltip")
    expect(tooltip).to_contain_text("%get [OPTION …] [CONTAINER/OBJECT]")
    expect(tooltip).to_contain_text(re.compile("%get weather.*%get weather.*%get weather", re.DOTALL))
    expect(tooltip).not_to_contain_text("show this help")


def _noise(width: int, height: int) -> bytes:
    """Return an image that can't be compressed."""
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), random.Random(1).randbytes(3 * width * height)).save(file, "PNG")
    return file.getvalue()
