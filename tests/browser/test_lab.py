"""JupyterLab in Chromium: a line is typed, completed with Tab and run, and its result is seen."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from storlet_shell.embedded import control
from tests.support.lines import Runner, base_environment

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CELLS = ["%load_ext storlet_shell", "", "", ""]


@pytest.fixture
def lab(swift: control.Running, container: str, run: Runner, tmp_path: Path) -> Iterator[str]:
    """Run JupyterLab with a notebook whose first cell loads the extension; return the notebook's URL."""
    run("upload", f"{container}/people.csv", stdin=b"name,age\nann,31\nbob,25\n")
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "test.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    words = ["--no-browser", "--allow-root", f"--port={port}", f"--IdentityProvider.token={token}"]
    words += [f"--ServerApp.root_dir={tmp_path}", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly"]
    outer = {name: value for name, value in base_environment(tmp_path).items() if name != "PYTHONWARNINGS"}
    identity = {"ST_AUTH": swift.auth_url, "ST_USER": swift.user, "ST_KEY": swift.key}
    with (tmp_path / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words], env={**outer, **identity}, stdout=log, stderr=log
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/api?token={token}", tmp_path / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/test.ipynb?token={token}"
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(url: str, log: Path) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab does not answer: {log.read_text()[-2000:]}")


@pytest.fixture
def page(lab: str) -> Iterator[Page]:
    """Open the notebook and run its first cell."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_page(viewport={"width": 1200, "height": 900})
        opened.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        opened.goto(lab)
        opened.locator(".jp-Cell .cm-content").first.click()
        opened.keyboard.press("Shift+Enter")
        expect(opened.locator(".jp-OutputArea-output").first).to_contain_text("%storlet")
        yield opened
        browser.close()


def test_notebook_in_a_browser(page: Page, container: str) -> None:
    """An object's name is completed with Tab, its table is seen, and an error is one short line.

    SCREENSHOT names a file for a picture of it.
    """
    cell = page.locator(".jp-Cell").nth(1)
    cell.locator(".cm-content").click()
    page.keyboard.type(f"%get {container}/peo", delay=20)
    page.keyboard.press("Tab")
    expect(page.locator(".jp-Completer-item")).to_contain_text(f"{container}/people.csv")
    page.keyboard.press("Tab")
    expect(cell.locator(".cm-content")).to_have_text(f"%get {container}/people.csv")
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-OutputArea-output td", has_text="ann")).to_be_visible()
    expect(cell.locator(".jp-OutputArea-output strong")).to_contain_text("200 OK")

    failing = page.locator(".jp-Cell").nth(2)
    failing.locator(".cm-content").click()
    page.keyboard.type(f"%get {container}/missing")
    page.keyboard.press("Shift+Enter")
    error = failing.locator(".jp-OutputArea-output")
    expect(error).to_contain_text("NotFoundError")
    assert error.inner_text().strip().count("\n") == 0
    if "SCREENSHOT" in os.environ:
        page.screenshot(path=os.environ["SCREENSHOT"])
