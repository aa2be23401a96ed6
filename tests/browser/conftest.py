"""JupyterLab in Chromium."""

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
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.notebook.old_notebook import Step, as_notebook
from tests.support.lines import base_environment

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


class Lab:
    """A JupyterLab over a folder of notebooks, and the browser that opens them."""

    def __init__(self, browser: Browser, folder: Path, address: str, token: str) -> None:
        self._browser = browser
        self._folder = folder
        self._address = address
        self._token = token

    def open(self, name: str, cells: list[Step]) -> Page:
        """Open a new notebook, alone, and wait for its kernel."""
        nbformat.write(as_notebook(cells), self._folder / f"{name}.ipynb")
        page = self._browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(f"{self._address}/lab/workspaces/{name}/tree/{name}.ipynb?token={self._token}")
        expect(page.locator(".jp-Cell .cm-content").first).to_be_visible()
        # A cell that is run while there is no kernel yet stays as it is, and nothing says so.
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
        return page

    def saved(self, name: str) -> nbformat.NotebookNode:
        """Return a notebook as JupyterLab has saved it."""
        return nbformat.read(self._folder / f"{name}.ipynb", as_version=4)

    def end_kernels(self, page: Page) -> None:
        """End every kernel, as a restart of JupyterLab does."""
        headers = {"Authorization": f"token {self._token}"}
        for session in page.request.get(f"{self._address}/api/sessions", headers=headers).json():
            page.request.delete(f"{self._address}/api/sessions/{session['id']}", headers=headers)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run JupyterLab without an identity, and a browser."""
    folder, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    words = ["--no-browser", "--allow-root", f"--port={port}", f"--IdentityProvider.token={token}"]
    words += [f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly"]
    outer = {name: value for name, value in base_environment(home).items() if name != "PYTHONWARNINGS"}
    with (home / "lab.log").open("wb") as log, sync_playwright() as playwright:
        process = subprocess.Popen([sys.executable, "-m", "jupyterlab", *words], env=outer, stdout=log, stderr=log)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        expect.set_options(timeout=60_000)
        try:
            _wait_for(f"http://127.0.0.1:{port}/api?token={token}", home / "lab.log")
            yield Lab(browser, folder, f"http://127.0.0.1:{port}", token)
        finally:
            browser.close()
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:  # it may hang if a kernel has just been started
                process.kill()
                process.wait()


def _wait_for(url: str, log: Path) -> None:
    for _ in range(1500):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab does not answer: {log.read_text()[-2000:]}")
