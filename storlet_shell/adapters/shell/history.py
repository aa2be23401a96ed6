"""The files that the interactive shell keeps for its user: what was typed, and what to run at the start."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prompt_toolkit.history import FileHistory

from storlet_shell.errors import LocalFileError
from storlet_shell.identity.environment import SECRET_VARIABLES

HISTORY = "STORLET_SHELL_HISTORY"
"""The variable that names another file for the history; ``/dev/null`` keeps none."""

STARTUP = "STORLET_SHELL_STARTUP"
"""The variable that names another startup file."""

_HOLDER = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|signature|passwort"
    r"|(?:api|access|secret|auth|private|encryption|signing|st)[-_]?key(?:[-_]id)?)"
)
_NAMES_A_SECRET = re.compile(
    "|".join(
        (
            r"Temp-URL-Key|temp_url_sig|Container-Sync-Key|X-Auth-(?:Token|Key)",
            rf"{_HOLDER}[\"']?\s*[=:]\s*\S",  # a variable's, a parameter's, a header's, a field's in JSON or YAML
            rf"(?<![\w-])--[\w-]{{0,40}}{_HOLDER}(?:[=\s]|$)|--key[=\s]|\bswift\b.{{0,500}}\s-K",
            r"(?-i:\b[A-Z0-9_]*(?:KEY|PASS|PAT))\s*=|\bswift\b.{0,500}\stempurl(?:\s+\S+){3}\s+\S",
            r"\blogin\b.{0,500}\s-p|\bmysql\w*\b.{0,500}\s-p\S|\bredis-cli\b.{0,500}\s-a|\bopenssl\b.{0,500}\s-(?:k|pass)\s",
            r"\b(?:Proxy-)?Authorization\b[\"']?\s*[:=]|\bCookie\s*:|\bX-[\w-]{1,60}-(?:Key|Pass)[\"']?\s*:",
            r"X-Amz-(?:Signature|Credential)|AWSAccessKeyId|[?&]sig=",
            r"://[^/\s:@]*:[^/\s@]+@",
            r"\b(?:curl|wget|https?)\b.{0,500}\s(?:-u|-U|-a|--user|--proxy-user|--auth)[=\s]*[\"']?[^\s:]{1,100}:\S|\bsshpass\s+-p",
            # What tokens and keys look like: tempauth's and Keystone's, JSON Web Tokens, those of other clouds, PEM.
            r"(?-i:AUTH_tk\w|\bgAAAA[\w-]{20}|\beyJ[\w-]+\.|\b(?:AKIA|ASIA)[0-9A-Z]{16}|\bgh[a-z]_\w{20}|PRIVATE KEY-)",
        )
    ),
    re.IGNORECASE,
)
"""What tells that a line holds a secret, whose value nobody knows beforehand. Rather a line too many is left out."""

_LONGEST = 64 * 1024
_LARGEST = 1024 * 1024
_KEPT_ENTRIES = 1000


def startup_file(environ: Mapping[str, str]) -> Path:
    """Return the place of the file that the shell runs at its start; there need not be one."""
    return _place(environ, STARTUP, "startup")


def check_startup_file(path: Path) -> None:
    """Check that what runs unasked is the user's own: theirs or root's, and nobody else can change or replace it.

    The members of the file's group are trusted.

    :raises LocalFileError: when it is not
    """
    real = path.resolve()
    for location in {real, path.parent, real.parent}:
        status = location.stat()
        if status.st_uid not in (0, os.geteuid()):
            raise LocalFileError(f"{path}: not run, since {location} is another user's")
        if status.st_mode & stat.S_IWOTH and not (location != real and status.st_mode & stat.S_ISVTX):
            raise LocalFileError(f"{path}: not run, since everybody can write {location}; chmod o-w {location}")


def _place(environ: Mapping[str, str], variable: str, name: str) -> Path:
    if environ.get(variable):
        return Path(os.path.expanduser(environ[variable]))  # noqa: PTH111  it raises nothing without a home folder
    import platformdirs

    folder = platformdirs.user_state_path if name == "history" else platformdirs.user_config_path
    try:
        return folder("storlet-shell", appauthor=False) / name
    except RuntimeError:  # a user whom the system does not know has no home
        return Path(os.devnull)


class ShellHistory(FileHistory):
    """A history file that only its owner can read; each line is in it as soon as it was typed.

    A line that starts with a space is not kept, nor one that holds a secret or names what is one, nor one of over
    64 KiB.

    :param environ: names the file, if not the platform's; the values of its passwords and tokens are secrets
    :param complain: told once when the file can't be written
    :param secrets: called for the secrets that are in no variable
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        complain: Callable[[str], None] = lambda _: None,
        secrets: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._environ = environ
        self._secrets = secrets
        self._complain = complain
        self._works = True
        self._path = _place(environ, HISTORY, "history")
        super().__init__(str(self._path))

    def keeps(self, text: str) -> bool:
        """Tell whether a line is kept."""
        if not text.strip() or text[0].isspace() or len(text) > _LONGEST:
            return False
        if _NAMES_A_SECRET.search(text):
            return False
        secrets = (*(self._environ.get(name, "") for name in SECRET_VARIABLES), *self._secrets())
        return not any(len(secret) > 3 and secret in text for secret in secrets)

    def append_string(self, string: str) -> None:
        """Keep a line, unless it repeats the one before."""
        if self.keeps(string) and (not self._loaded_strings or self._loaded_strings[0] != string):
            super().append_string(string)

    def load_history_strings(self) -> Iterable[str]:
        """Return the kept lines, the newest first."""
        try:
            if self._path.exists():
                self._hide(os.O_RDONLY)
            return list(super().load_history_strings())
        except OSError as error:
            self._give_up(error)
            return []

    def store_string(self, string: str) -> None:
        """Add a line to the file."""
        if not self._works:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._hide(os.O_CREAT | os.O_WRONLY)
            super().store_string(string.encode("utf-8", "replace").decode("utf-8"))
        except OSError as error:
            self._give_up(error)

    def _hide(self, flags: int) -> None:
        """Let nobody else read the file: another program, or the user's umask, may have created it."""
        descriptor = os.open(self._path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISREG(mode) and stat.S_IMODE(mode) & 0o077:
                os.fchmod(descriptor, stat.S_IMODE(mode) & 0o700)
        finally:
            os.close(descriptor)

    def clear(self) -> None:
        """Forget every line, in the file as well."""
        self._loaded_strings.clear()
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            self._give_up(error)

    def shorten(self) -> None:
        """Leave only the last lines in a file that has grown large."""
        try:
            if not self._path.is_file() or self._path.stat().st_size < _LARGEST:
                return
            entries = self._path.read_bytes().split(b"\n# ")[-_KEPT_ENTRIES:]
            with tempfile.NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
                file.write(b"\n# " + b"\n# ".join(entries))
            Path(file.name).replace(self._path)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if self._works:
            self._complain(f"history is not kept: {self._path}: {error.strerror or error}")
        self._works = False
