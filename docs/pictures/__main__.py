"""Record the pictures in the documentation: ``make pictures``.

Nothing in them is written by hand. Keys are typed into a shell at a terminal, and a notebook runs in JupyterLab in
Chromium (``CHROMIUM`` can name another browser than the system's), on an embedded Swift of their own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
from terminal import Recording, animation

HERE = Path(__file__).parent
READINGS = "Oslo,snow,-4\nLima,fog,17\nCairo,clear,31\nQuito,rain,15\nHanoi,rain,24\n"
WARM = """\
class Warm:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        least = float(params.get("least", "20"))
        out_files[0].set_metadata({})
        while line := in_files[0].readline():
            if float(line.split(b",")[2]) >= least:
                out_files[0].write(line)
"""
CELLS = (
    "%load_ext storlet_shell",
    "%%deploy warm.Warm\n" + WARM.rstrip("\n"),
    "warm = %get weather/readings.csv --storlet warm.py -p least=15\nwarm",
    'table = warm.dataframe(header=None, names=["city", "sky", "degrees"])\ntable.plot.barh("city", figsize=(5, 1.6));',
    "%get weather/readings.csv --storlet warm.py -p least=mild",
)


BROWSING = ("%load_ext storlet_shell", "%storlet browse weather")


def main() -> None:
    """Record the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "CHROMIUM") if name in os.environ}
        environ = {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}",
            "HOME": name,
            "TERM": "xterm-256color",
            "STORLET_SHELL_DATA": str(folder / "data"),
            "STORLET_SHELL_LOCAL": "1",
        }
        work = folder / "work"
        work.mkdir()
        (work / "readings.csv").write_text(READINGS)
        (work / "warm.py").write_text(WARM)
        _run("local", "start", environ=environ, folder=work)
        try:
            record(environ, work)
            _run("undeploy", "-y", "warm.py", environ=environ, folder=work)
            photograph(environ, work)
        finally:
            _run("local", "stop", environ=environ, folder=work)


def _run(*words: str, environ: dict[str, str], folder: Path) -> None:
    subprocess.run(["storlet-shell", *words], env=environ, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def record(environ: dict[str, str], folder: Path) -> None:
    """Record a session of the shell that ends with a storlet's result."""
    prompt = "AUTH_local>"
    session = Recording(["storlet-shell"], {**environ, "STORLET_SHELL_THEME": "dark"}, folder)
    session.wait_for(prompt)
    for line, said in (
        ("mkdir weather", "container weather"),
        ("!head -2 readings.csv", "Lima"),
        ("upload readings.csv weather", "uploaded"),
        ("deploy warm.py", "deployed"),
        ("get weather/re\t--storlet wa\t-p least=15", "Hanoi"),
        ("get weather/readings.csv --storlet warm.py | sort -t, -k3 -n", "Cairo"),
        ("copy weather/readings.csv weather/warm.csv --storlet warm.py", "HTTP 201"),
        ("get weather/readings.csv --storlet warm.py -p least=mild", "ValueError"),
    ):
        for number, part in enumerate(line.split("\t")):
            if number:
                session.press("\t", 0.8)
            session.type(part)
        session.press("\r", 0.2)
        session.wait_for(said, prompt)
    session.wait_for(prompt, seconds=4)
    session.close()
    (HERE / "session.svg").write_text(animation(session.frames, "A session of storlet-shell on the embedded Swift"))


def photograph(environ: dict[str, str], folder: Path) -> None:
    """Run notebooks in JupyterLab, and take screenshots of them."""
    token = secrets.token_hex(16)
    words = ["--no-browser", "--allow-root", "--port=0", f"--IdentityProvider.token={token}"]
    words += [f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly"]
    with (folder / "lab.log").open("wb") as log, sync_playwright() as playwright:
        lab = subprocess.Popen([sys.executable, "-m", "jupyterlab", *words], env=environ, stdout=log, stderr=log)
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            address = _address(Path(environ["HOME"]), token)
            page = _run_notebook(browser, address, token, folder / "warm.ipynb", CELLS, height=1210)
            page.locator(".jp-NotebookPanel-notebook").screenshot(path=HERE / "notebook.png")
            page = _run_notebook(browser, address, token, folder / "browse.ipynb", BROWSING, height=780)
            page.locator(".sb-list tr", has_text="readings.csv").click()
            page.locator(".sb-preview").wait_for()
            page.locator(".jp-NotebookPanel-notebook").screenshot(path=HERE / "browse.png")
        finally:
            browser.close()
            lab.terminate()
            lab.wait(30)


def _run_notebook(browser: Browser, address: str, token: str, path: Path, cells: Sequence[str], *, height: int) -> Page:
    """Write a notebook, run all its cells, and return its page.

    :param height: the height of the window in pixels
    """
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in cells],
        metadata={"kernelspec": kernel},  # without it, JupyterLab asks
    )
    nbformat.write(notebook, path)
    page = browser.new_page(viewport={"width": 1240, "height": height})
    page.set_default_timeout(300_000)
    page.goto(f"{address}lab/workspaces/{path.stem}/tree/{path.name}?token={token}")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".jp-Cell").last.locator(".jp-InputPrompt", has_text=f"[{len(cells)}]:").wait_for()
    page.add_style_tag(content=".Toastify { display: none }")  # it covers the notebook
    return page


def _address(home: Path, token: str) -> str:
    """Return the URL of JupyterLab, from the file that it writes about itself."""
    for _ in range(600):
        for path in home.rglob("jpserver-*.json"):
            try:
                url = str(json.loads(path.read_text())["url"])
                with urllib.request.urlopen(f"{url}api?token={token}", timeout=5):
                    return url
            except (ValueError, urllib.error.URLError, ConnectionError):
                pass
        time.sleep(0.2)
    raise TimeoutError("JupyterLab doesn't answer")


if __name__ == "__main__":
    main()
