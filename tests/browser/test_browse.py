"""``%storlet browse`` in JupyterLab in Chromium."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import NamedTuple

import pytest
from nbconvert import HTMLExporter, MarkdownExporter
from playwright.sync_api import Locator, Page, expect

from storlet_shell.adapters.notebook.browse.answers import ROWS
from storlet_shell.embedded import control
from tests.browser.conftest import Lab
from tests.notebook.conftest import identity
from tests.notebook.old_notebook import Step
from tests.support.lines import Runner

EVIL = '<img src=x onerror="document.title=1">.txt'
"""An object's name that must not become an element."""

WARM = b"""\
class Warm:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        out_files[0].write(in_files[0].read())
"""


@pytest.fixture(scope="module")
def weather(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a container with a folder, a table, a name that looks like HTML, and more than a page of objects."""
    folder = tmp_path_factory.mktemp("objects")
    for number in range(ROWS + 10):
        (folder / f"{number:04}").write_bytes(b"")
    run("mkdir", "browsed")
    run("upload", "browsed/folder/today.csv", stdin=b"city,degrees\nLima,17\n<b>Oslo</b>,-4\n")
    run("upload", f"browsed/{EVIL}", stdin=b"text")
    run("upload", str(folder), "browsed/many")
    run("deploy", "browsed_warm.Warm", stdin=WARM)
    run("get", "browsed/folder/today.csv", "--storlet", "browsed_warm.py")
    return "browsed"


class Shown(NamedTuple):
    """A notebook that shows the widget in its second cell; the third cell hasn't been run.

    :param pid: the file that its first cell has written, with the id of the kernel's process
    :param end: the third cell runs until this file exists
    """

    page: Page
    widget: Locator
    pid: Path
    end: Path


@pytest.fixture(scope="module")
def shown(lab: Lab, swift: control.Running, weather: str, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Run the first two cells of a notebook."""
    folder = tmp_path_factory.mktemp("files")
    pid, end = folder / "pid", folder / "end"
    first = f"import os, pathlib, time\nos.environ.update({identity(swift)!r})\n%load_ext storlet_shell\n"
    first += f"_ = pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))"
    last = f"while not pathlib.Path({str(end)!r}).exists():\n    time.sleep(0.1)"
    page = lab.open("browse", [Step("", first), Step("", "%storlet browse"), Step("", last)])
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    widget = page.locator(".storlet-browse")
    expect(row(widget, weather)).to_be_visible()
    return Shown(page, widget, pid, end)


@pytest.fixture
def widget(shown: Shown, weather: str) -> Locator:
    """Return the widget with the objects of the container."""
    shown.widget.get_by_role("button", name="Objects", exact=True).click()
    row(shown.widget, weather).click()
    expect(row(shown.widget, "folder/")).to_be_visible()
    return shown.widget


def row(widget: Locator, name: str) -> Locator:
    """Return the row of a name."""
    return widget.locator(".sb-list tbody tr").filter(has=widget.page.get_by_role("cell", name=name, exact=True))


def test_browsing_with_the_mouse(shown: Shown, widget: Locator, weather: str) -> None:
    """Into a folder, to an object's preview, whose line is copied; no name becomes an element."""
    page, details = shown.page, widget.locator(".sb-details")
    expect(page.locator(".jp-OutputArea-output td", has_text=weather)).to_be_hidden()  # the plain table
    row(widget, "folder/").click()
    row(widget, "today.csv").click()
    expect(details.locator(".sb-preview td", has_text="<b>Oslo</b>")).to_be_visible()
    expect(details.get_by_text("text/csv")).to_be_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    details.get_by_role("button", name="Copy: Get it").click()
    expect(details.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "body = %storlet get path:/browsed/folder/today.csv"
    widget.get_by_role("button", name=weather).click()
    row(widget, EVIL).click()
    expect(details.get_by_role("heading", name=EVIL)).to_be_visible()
    expect(details.locator(".sb-preview")).to_contain_text("text")
    assert not widget.locator("img").count()


def test_pages_and_filter(widget: Locator) -> None:
    """A page follows the other, and a filter asks the server."""
    row(widget, "many/").click()
    expect(row(widget, "0000")).to_be_visible()
    widget.get_by_role("button", name="Next").click()
    expect(row(widget, "0209")).to_be_visible()
    expect(widget.locator(".sb-list tbody tr")).to_have_count(10)
    expect(widget.get_by_role("button", name="Next")).to_be_disabled()
    expect(widget.get_by_text(re.compile("201.210 · 212 objects in the container"))).to_be_visible()
    widget.get_by_role("button", name="Previous").click()
    expect(row(widget, "0000")).to_be_visible()
    widget.get_by_role("searchbox").fill("020")
    expect(widget.locator(".sb-list tbody tr")).to_have_count(10)
    widget.get_by_role("searchbox").fill("none")
    expect(widget.get_by_text("No name starts with this.")).to_be_visible()


def test_browsing_with_the_keyboard(shown: Shown, widget: Locator) -> None:
    """Arrows, Enter, Backspace, and Escape work in the widget, and no key reaches the notebook."""
    page, cells = shown.page, shown.page.locator(".jp-Cell").count()
    row(widget, "folder/").focus()
    page.keyboard.press("Enter")
    expect(row(widget, "today.csv")).to_be_focused()
    page.keyboard.press("Enter")
    expect(widget.locator(".sb-preview")).to_be_visible()
    for key in ("a", "b", "x", "d", "d", "m", "z", "j", "k", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    expect(widget.get_by_role("searchbox")).to_be_focused()  # above the first row
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(widget.locator(".sb-details")).to_be_hidden()
    page.keyboard.press("Backspace")
    expect(row(widget, EVIL)).to_be_visible()
    assert page.locator(".jp-Cell").count() == cells


def test_nothing_in_the_widget_passes_keys_on(shown: Shown, widget: Locator) -> None:
    """In JupyterLab, "b" inserts a cell, unless the element that has the focus says otherwise."""
    row(widget, "folder/").click()
    row(widget, "today.csv").click()
    expect(widget.locator(".sb-preview")).to_be_visible()
    passing = "nodes => nodes.filter(node => node.dataset.lmSuppressShortcuts !== 'true').map(node => node.outerHTML)"
    assert widget.locator("button, input, summary, pre, a, [tabindex]").evaluate_all(passing) == []


def test_storlet_and_rights(widget: Locator, weather: str, run: Runner) -> None:
    """A storlet's source, runs, and lines; a container's rights."""
    run("acl", "grant", weather, "test:guest", "--read")
    widget.get_by_role("button", name="Details", exact=True).click()
    expect(widget.get_by_role("cell", name="test:guest")).to_be_visible()
    widget.get_by_role("button", name="Storlets", exact=True).click()
    row(widget, "browsed_warm.py").click()
    details = widget.locator(".sb-details")
    expect(details.locator("pre", has_text="class Warm")).to_be_visible()
    expect(details.locator("summary", has_text="ok")).to_be_visible()
    expect(details.get_by_text("--storlet browsed_warm.py").first).to_be_visible()


def test_stopped_kernel_is_noted(shown: Shown, widget: Locator) -> None:
    """While no answer comes, a note says why; the answer is shown as soon as it comes."""
    pid = int(shown.pid.read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        row(widget, "folder/").click()
        expect(widget.get_by_text("Waiting for the kernel")).to_be_visible()
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(row(widget, "today.csv")).to_be_visible()
    expect(widget.get_by_text("Waiting for the kernel")).to_be_hidden()


def test_widget_works_while_a_cell_runs(shown: Shown, widget: Locator) -> None:
    """JupyterLab passes questions to a second thread of the kernel."""
    last = shown.page.locator(".jp-Cell").last
    last.locator(".cm-content").click()
    shown.page.keyboard.press("Control+Enter")
    expect(last.locator(".jp-InputPrompt")).to_have_text("[*]:")
    row(widget, "folder/").click()
    expect(row(widget, "today.csv")).to_be_visible()
    shown.end.touch()
    expect(last.locator(".jp-InputPrompt")).to_have_text("[3]:")


def test_table_is_left_without_the_kernel(lab: Lab, shown: Shown, weather: str) -> None:
    """A notebook that is opened again with another kernel shows the plain table, and so do its exports."""
    page = shown.page
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Control+s")
    page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    saved = lab.saved("browse")
    assert weather in MarkdownExporter().from_notebook_node(saved)[0]
    assert f">{weather}<" in HTMLExporter().from_notebook_node(saved)[0]
    lab.end_kernels(page)
    page.reload()
    expect(page.locator(".jp-OutputArea-output td", has_text=weather)).to_be_visible()
    expect(
        page.get_by_text("Python 3 (ipykernel) | Idle")
    ).to_be_visible()  # JupyterLab can't end before its kernel is up
