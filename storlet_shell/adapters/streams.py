"""Standard streams: where results go, and in which colors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from storlet_shell.errors import LocalFileError
from storlet_shell.results.on_terminal import Display
from storlet_shell.session import Surroundings

if TYPE_CHECKING:
    from storlet_shell.adapters.terminal.themes import Theme

_NO_TERMINAL = Display(lambda _, text: text, len)


class Streams(Surroundings):
    """The standard streams of a process, on a terminal or not.

    :param environ: the environment's variables
    :param stdin: standard input, as bytes; None if the front end reads it itself
    :param stdout: returns the text stream for results, which a front end may redirect
    :param stderr: returns the text stream for everything else
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        stdin: IO[bytes] | None,
        stdout: Callable[[], IO[str]],
        stderr: Callable[[], IO[str]],
    ) -> None:
        super().__init__(environ, stdin)
        self._stdout = stdout
        self._stderr = stderr
        self._redirected: IO[str] | None = None
        self._theme: Theme | None = None

    @property
    def stdout(self) -> IO[str]:
        """The stream that results go to now.

        :raises LocalFileError: when the process was started without one
        """
        stream = self._redirected or self._stdout()
        if stream is None:
            raise LocalFileError("standard output is closed")
        return stream

    @property
    def stderr(self) -> IO[str]:
        """The stream for everything else."""
        return self._stderr()

    @property
    def is_redirected(self) -> bool:
        """Whether results go to a file or a pipe for now."""
        return self._redirected is not None

    @contextmanager
    def redirected(self, stream: IO[str]) -> Iterator[None]:
        """Send results to another stream for a while: a file or a pipe."""
        previous, self._redirected = self._redirected, stream
        try:
            yield
        finally:
            self._redirected = previous

    @property
    def theme(self) -> str:
        """The name of the theme: the one that was set, the environment's, or the default one."""
        if self._theme is None:
            from storlet_shell.adapters.terminal.themes import DEFAULT, THEME, THEMES  # only terminals have colors

            name = self.environ.get(THEME) or DEFAULT.name
            self._theme = THEMES.get(name, DEFAULT)
            if name not in THEMES:
                self.warn(f"{THEME}: unknown theme {name!r}; themes: {', '.join(THEMES)}")
        return self._theme.name

    @theme.setter
    def theme(self, name: str) -> None:
        from storlet_shell.adapters.terminal.themes import THEMES  # the same

        self._theme = THEMES[name]

    def display_of(self, stream: IO[str]) -> Display:
        """Describe the terminal behind a stream; other streams have no colors."""
        if not stream.isatty():
            return _NO_TERMINAL
        from storlet_shell.adapters.terminal.themes import NONE, THEMES, has_colors  # the same
        from storlet_shell.adapters.terminal.widths import width

        theme = THEMES[self.theme] if has_colors(stream, self.environ) else NONE
        return Display(theme.paint, width)
