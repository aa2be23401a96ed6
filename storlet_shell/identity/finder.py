"""Find the identity of a session: in a cloud of clouds.yaml if one is named, else in the variables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from storlet_shell.identity import environment
from storlet_shell.identity.values import Credentials


class Finder:
    """Finds the identity before each request, since a notebook's variables and files may change.

    :param options: values of command-line options, by the name of the corresponding variable
    """

    def __init__(self, options: Mapping[str, str] = MappingProxyType({})) -> None:
        self._options = options
        self._from_variables: tuple[object, Credentials] | None = None
        self._from_cloud: tuple[object, Credentials] | None = None

    def find(self, environ: Mapping[str, str]) -> Credentials:
        """Return the identity that options and variables name; it is read again only if its source has changed.

        :raises IdentityError: if it is missing or incomplete; the message names what is missing
        """
        # Iterate over names first: os.environ decodes each value that is looked up, which takes time.
        relevant = {name: environ[name] for name in environ if name.startswith(environment.PREFIXES)}
        variables = {**relevant, **self._options}
        if not variables.get("OS_CLOUD"):
            state: object = (variables, environment.state(variables))
            if self._from_variables is None or self._from_variables[0] != state:
                self._from_variables = (state, environment.discover(relevant, self._options))
            return self._from_variables[1]
        from storlet_shell.identity import clouds  # few lines name one

        state = clouds.state({**environ, **self._options})
        if self._from_cloud is None or self._from_cloud[0] != state:
            self._from_cloud = (state, clouds.read(variables["OS_CLOUD"], environ, self._options))
        return self._from_cloud[1]
