"""Run cells in an IPython shell of this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tests.support.storlets import TEST_STORLET


@dataclass(frozen=True)
class Cell:
    """What came of a cell.

    :param error: what it raised, None if it ended well
    :param bundle: how its value is shown, by MIME type
    """

    value: Any
    error: BaseException | None
    out: str
    err: str
    bundle: dict[str, str]

    @property
    def text(self) -> str:
        """The value as text."""
        return self.bundle.get("text/plain", "")

    @property
    def html(self) -> str:
        """The value as HTML."""
        return self.bundle.get("text/html", "")


class Cells:
    """Runs cells in a shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell

    def __call__(self, text: str) -> Cell:
        """Run a cell."""
        with capture_output(display=False) as captured:
            done = self.shell.run_cell(text)
        bundle = self.shell.display_formatter.format(done.result)[0] if done.result is not None else {}
        return Cell(done.result, done.error_in_exec or done.error_before_exec, captured.stdout, captured.stderr, bundle)

    def good(self, text: str) -> Cell:
        """Run a cell that must end well."""
        cell = self(text)
        assert cell.error is None, (cell.error, cell.err)
        return cell

    def complete(self, text: str) -> list[str]:
        """Return what the text before the cursor may become, each as the line would read then."""
        with provisionalcompleter():
            found = list(self.shell.Completer.completions(text, len(text)))
        return [text[: one.start] + one.text for one in found]


IDENTITY = f"%%storletapp test.TestStorlet\n{TEST_STORLET}\n"
"""The cell of the old extension's documentation, with the bytes that Python 3 wants."""

FAILING = """\
%%storletapp failing.Main
class Main:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        if 'late' in params:
            out_files[0].write(b'x' * 20_000_000)
        raise ValueError('on purpose')
"""

PICKY = """\
%%storletapp picky.Main
class Main:
    def __init__(self, logger):
        pass

    def __call__(self, in_files, out_files, params):
        text = in_files[0].read()
        if text.startswith(b'bad'):
            raise ValueError('on purpose')
        out_files[0].set_metadata({})
        out_files[0].write(text)
"""
"""A storlet that fails over some objects."""
