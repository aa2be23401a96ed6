"""Configure Sphinx for ``make docs``, which needs no network."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pygments.lexers.shell import BashSessionLexer
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

from storlet_shell import __version__
from storlet_shell.adapters.cli import reference
from storlet_shell.spec.registry import Registry

DOCS = Path(__file__).parent
GENERATED = DOCS / "generated"

project = "storlet-shell"
copyright = "storlet-shell authors"
release = version = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_default_options = {"exclude-members": "__init__, __new__"}  # only a store creates them
html_theme = "furo"
html_title = f"storlet-shell {release}"
html_show_copyright = False
highlight_language = "text"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # tests run the notebooks and compare their output


def generate(_: Sphinx) -> None:
    """Write the command reference, and copy the example notebooks."""
    shutil.rmtree(GENERATED, ignore_errors=True)
    commands = GENERATED / "commands"
    commands.mkdir(parents=True)
    registry = Registry()
    (commands / "index.md").write_text(reference.index(registry))
    for command in reference.commands(registry):
        (commands / f"{command.name}.md").write_text(reference.page(command))
    for notebook in (DOCS.parent / "examples").glob("*.ipynb"):
        shutil.copy(notebook, GENERATED)


def point_inside(_: Sphinx, __: str, source: list[str]) -> None:
    """Point links to examples at their copies, and turn links that leave the site into plain text."""
    text = re.sub(r"\]\(\.\./examples/([\w-]+\.ipynb)\)", r"](generated/\1)", source[0])
    source[0] = re.sub(r"\[([^\]]+)\]\((?:\.\./)+[^)]*\)", r"\1", text)


def setup(app: Sphinx) -> None:
    """Register the lexers of the sessions, and the functions above."""
    app.add_lexer("storlets", BashSessionLexer)
    app.add_lexer("output", TextLexer)
    app.add_lexer("xonsh", TextLexer)  # Pygments' own lexes scripts, not sessions
    app.connect("builder-inited", generate)
    app.connect("source-read", point_inside)
