"""Where a session finds its identity: in a cloud of clouds.yaml if one is named, else in the variables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from storlet_shell.identity import environment
from storlet_shell.identity.values import Credentials


class Finder:
    """Finds the identity of a session, again before each request: a notebook's variables and clouds.yaml may change.

    :param given: what options say, by the names of the variables
    """

    def __init__(self, given: Mapping[str, str] = MappingProxyType({})) -> None:
        self._given = given
        self._named: tuple[Mapping[str, str], Credentials] | None = None
        self._cloud: tuple[object, Credentials] | None = None

    def find(self, environ: Mapping[str, str]) -> Credentials:
        """Return the identity that options and variables name; one of a cloud is read again when its files change.

        :raises IdentityError: when there is none, or half of one; the message names what is missing
        """
        # The names alone are gone through: os.environ decodes each value that is asked for, which takes its time.
        named = {name: environ[name] for name in environ if name.startswith(environment.PREFIXES)}
        both = {**named, **self._given}
        if not both.get("OS_CLOUD"):
            if self._named is None or self._named[0] != both:
                self._named = (both, environment.discover(named, self._given))
            return self._named[1]
        from storlet_shell.identity import clouds  # few name one

        state = clouds.state({**environ, **self._given})
        if self._cloud is None or self._cloud[0] != state:
            self._cloud = (state, clouds.read(both["OS_CLOUD"], environ, self._given))
        return self._cloud[1]
