"""The documentation's configuration; ``make docs`` builds it, without the network."""

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
copyright = "the authors of storlet-shell"
release = version = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_default_options = {"exclude-members": "__init__, __new__"}  # a store makes them
html_theme = "furo"
html_title = f"storlet-shell {release}"
html_show_copyright = False
highlight_language = "text"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests run the notebooks, and compare what they show


def generate(_: Sphinx) -> None:
    """Write the command reference, and copy what lies beside the documents."""
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
    """Point links at what the site has of its own; what else lies outside of the documents is named without a link."""
    statuses = "](generated/commands/index.md#exit-statuses)"
    source[0] = source[0].replace("](../README.md#the-same-lines-elsewhere)", statuses)
    text = re.sub(r"\]\(\.\./examples/([\w-]+\.ipynb)\)", r"](generated/\1)", source[0])
    source[0] = re.sub(r"\[([^\]]+)\]\((?:\.\./)+[^)]*\)", r"\1", text)


def setup(app: Sphinx) -> None:
    """Connect the above, and show sessions as what they are."""
    app.add_lexer("storlets", BashSessionLexer)
    app.add_lexer("output", TextLexer)
    app.add_lexer("xonsh", TextLexer)  # its own knows scripts, and no sessions
    app.connect("builder-inited", generate)
    app.connect("source-read", point_inside)
