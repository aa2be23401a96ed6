"""Read identities from clouds.yaml, secure.yaml and clouds-public.yaml, as openstacksdk does.

This is the only module that imports openstacksdk's configuration, which it does without the rest of the SDK.
"""

from __future__ import annotations

import difflib
import importlib.util
import itertools
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, IdentityError
from storlet_shell.identity.environment import kind_of_type
from storlet_shell.identity.values import Credentials
from storlet_shell.identity.variables import connection_of, interface_of
from storlet_shell.values import Connection

FILE_VARIABLES: Mapping[str, str] = MappingProxyType(
    {"clouds": "OS_CLIENT_CONFIG_FILE", "secure": "OS_CLIENT_SECURE_FILE"}
)
"""The variables that name these files."""

_ENDINGS = (".yaml", ".yml", ".json")
_SECRETS_FROM_VARIABLES = (
    *("password", "token", "passcode", "client_secret", "access_token"),
    "application_credential_secret",
)
"""Secrets that are read from variables if the cloud doesn't set them."""

_ALTERNATIVES = (
    ("project_name", "project_id"),
    ("project_domain_name", "project_domain_id"),
    ("username", "user_id"),
    ("user_domain_name", "user_domain_id"),
)
"""Keys with the same meaning: an option for one replaces the file's value for the other."""

_OUTSIDE_AUTH = frozenset(
    {"cloud", "region_name", "interface", "endpoint_type", "cacert", "cert", "key", "insecure", "storage_url"}
    | {"auth_type", "auth_plugin", "auth_version", "identity_api_version", "default_domain"}
)
"""Options that don't belong to a cloud's ``auth``."""


def state(variables: Mapping[str, str]) -> object:
    """Return a value that changes whenever the variables, folders or files that define a cloud change."""
    relevant = {name: value for name, value in variables.items() if name.startswith(("OS_", "XDG_CONFIG_"))}
    paths = itertools.chain.from_iterable(files(variables).values())
    states = [(path, status) for path in paths if (status := _status(path))]
    return sorted(relevant.items()), variables.get("HOME"), states


def read(name: str, environ: Mapping[str, str], options: Mapping[str, str]) -> Credentials:
    """Return the identity of a cloud.

    Options override the file. Of the variables, region and interface override it as well; secrets, CA bundle and client
    certificate are used only if the file has none.

    :param options: values of command-line options, by the name of the corresponding variable
    :raises IdentityError: if the cloud doesn't exist or is incomplete; the message names the file and the key
    """
    return _Cloud(name, environ, options).read()


def _status(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  called before each request
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def files(variables: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the paths where openstacksdk looks for ``clouds``, ``secure`` and ``clouds-public`` files, in order.

    Source: openstacksdk ``config/loader.py``. openstacksdk computes them once, when it is imported;
    a notebook may change its folder later.
    """
    home = variables.get("HOME") or os.path.expanduser("~")  # noqa: PTH111  doesn't raise without a home folder
    user = variables.get("XDG_CONFIG_HOME") or f"{home}/.config"
    shared = (variables.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    folders = [
        os.curdir,
        *(f"{folder}/openstack" for folder in dict.fromkeys((user, f"{home}/.config", *shared, "/etc"))),
    ]
    candidates = {
        name: [f"{folder}/{name}{ending}" for folder in folders for ending in _ENDINGS]
        for name in ("clouds", "secure", "clouds-public")
    }
    for name, variable in FILE_VARIABLES.items():
        if variables.get(variable):
            candidates[name].insert(0, variables[variable])
    return candidates


def _configuration_class() -> Any:
    """Import openstacksdk's ``OpenStackConfig``.

    The package's own ``__init__`` imports the whole SDK, which takes 0.3 s. An empty package replaces it during this
    import only; a later ``import openstack`` in the user's code isn't affected.
    """
    if "openstack" not in sys.modules:
        specification = importlib.util.find_spec("openstack")
        if specification is None:
            raise IdentityError("reading clouds.yaml requires openstacksdk; install it: pip install openstacksdk")
        sys.modules["openstack"] = importlib.util.module_from_spec(specification)
        try:
            from openstack.config.loader import OpenStackConfig
        finally:
            for name in [name for name in sys.modules if name.split(".")[0] == "openstack"]:
                del sys.modules[name]
        return OpenStackConfig
    from openstack.config import OpenStackConfig  # the user's notebook has imported the SDK

    return OpenStackConfig


@typed_equality
class _Settings(NamedTuple):
    """The settings of a cloud, as openstacksdk has merged them."""

    auth_type: str
    auth: dict[str, str]
    region: str
    interface: str
    endpoint: str
    connection: Connection


class _Cloud:
    """A cloud and the files that define it."""

    def __init__(self, name: str, environ: Mapping[str, str], options: Mapping[str, str]) -> None:
        self._name = name
        self._options = options
        self.variables = {**environ, **options}
        self._files = files(self.variables)
        self._file = next((path for path in self._files["clouds"] if _status(path)), "")
        self._secure = next((path for path in self._files["secure"] if _status(path)), "")
        self._profile_problem = ""

    def read(self) -> Credentials:
        """Read the cloud's credentials, by its auth type."""
        settings = self._load()
        return kind_of_type(settings.auth_type).read_cloud(_Entry(self, settings))

    def credentials(self, settings: _Settings, scheme: str, secret: str) -> Credentials:
        """Return credentials that name the cloud's files as their source."""
        return Credentials(
            source=f"cloud {self._name} of {' and '.join(path for path in (self._file, self._secure) if path)}",
            scheme=scheme,
            auth_url=settings.auth["auth_url"],
            user=settings.auth.get("username") or settings.auth.get("user_id") or "",
            secret=secret,
            auth_type=settings.auth_type,
            region=settings.region,
            interface=settings.interface,
            storage_url=settings.endpoint,
            connection=settings.connection,
        )

    def missing(self, key: str) -> IdentityError:
        """Return the error for a missing key, with the reason if it is known."""
        text = f"cloud {self._name} of {self._file} has no auth.{key}"
        reason = next(self._file_problems(), "") or self._profile_problem
        if reason:
            return IdentityError(f"{text}; {reason}")
        if key in _SECRETS_FROM_VARIABLES:
            return IdentityError(f"{text}; set it there, in secure.yaml in the same folder, or in OS_{key.upper()}")
        return IdentityError(text, hint=Hint(Action.SET_IN_CLOUD, (key.replace("_", "-"),)))

    def _load(self) -> _Settings:
        configuration_class = _configuration_class()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                settings = self._merge(configuration_class)
            except IdentityError:
                raise
            except Exception as error:  # openstacksdk raises all kinds of exceptions over a malformed file
                raise IdentityError(self._malformed(error)) from None
        unknown = next((warning.message for warning in caught if _is_about_profile(warning)), None)
        self._profile_problem = f"its profile is unknown: {unknown}" if unknown else ""
        return settings

    def _merge(self, configuration_class: Any) -> _Settings:
        """Let openstacksdk merge the settings, but not load the auth plug-in, which would search entry points."""
        configuration = configuration_class(
            load_envvars=False,
            config_files=self._files["clouds"],
            secure_files=self._files["secure"],
            vendor_files=self._files["clouds-public"],
        )
        self._require_first(configuration.config_filename)
        names = configuration.get_cloud_names() if configuration.config_filename else []
        if names == ["defaults"]:  # openstacksdk's result for a file without clouds
            names = []
        if self._name not in names:
            raise self._unknown(names)
        self._file = configuration.config_filename
        self._secure = configuration.secure_config_filename or self._secure
        region = configuration.get_one(self._name, validate=False, **self._overrides(configuration))
        interface = interface_of(self.variables) or region.get_interface("object-store") or "public"
        return _Settings(
            auth_type=self._options.get("OS_AUTH_TYPE") or region.config["auth_type"],
            auth={name: str(value) for name, value in region.config["auth"].items() if value not in (None, "")},
            region=region.get_region_name("object-store") or "",
            interface=interface if isinstance(interface, str) else interface[0],
            endpoint=self.variables.get("OS_STORAGE_URL") or region.get_endpoint("object-store") or "",
            connection=self._connection(region),
        )

    def _require_first(self, used: str | None) -> None:
        """Check that the first file was used: the next one may define another cloud of the same name.

        :param used: the file that openstacksdk used; None without one
        :raises IdentityError: if the first file is damaged, or a variable names one that doesn't exist
        """
        named = self.variables.get("OS_CLIENT_CONFIG_FILE")
        if named and named != self._file:
            raise IdentityError(f"cloud {self._name}: OS_CLIENT_CONFIG_FILE is {named}, which doesn't exist")
        problem = next(self._file_problems(), "") if used != self._file else ""
        if problem:
            raise IdentityError(f"cloud {self._name}: {problem}")

    def _overrides(self, configuration: Any) -> dict[str, Any]:
        """Return the options and variables that override the file, as keywords for openstacksdk."""
        options = {name[3:].lower(): value for name, value in self._options.items() if value}
        auth = {name: value for name, value in options.items() if name not in _OUTSIDE_AUTH}
        from_file = configuration.cloud_config["clouds"][self._name].get("auth") or {}
        for name in _SECRETS_FROM_VARIABLES:
            value = self.variables.get(f"OS_{name.upper()}")
            if value and not from_file.get(name):
                auth.setdefault(name, value)
        for names in _ALTERNATIVES:
            if auth.keys() & names:
                auth = dict.fromkeys(names, "") | auth
        region = self.variables.get("OS_REGION_NAME")
        return {"auth": auth} | ({"region_name": region} if region else {})

    def _connection(self, region: Any) -> Connection:
        """Return the connection settings: from options, else from the file, else from variables."""
        options, variables = connection_of(self._options), connection_of(self.variables)
        verify, certificate = region.get_requests_verify_args()
        cert, key = certificate if isinstance(certificate, tuple) else (certificate or "", "")
        timeout = region.config.get("api_timeout")
        return Connection(
            cacert=options.cacert or (verify if isinstance(verify, str) else variables.cacert),
            insecure=options.insecure or verify is False,
            timeout=float(timeout) if timeout else Connection().timeout,
            cert=options.cert or cert or variables.cert,
            key=options.key or (key if cert else variables.key),
        )

    def _unknown(self, names: list[str]) -> IdentityError:
        """Return the error for a cloud that no file defines."""
        if not self._file:
            folders = dict.fromkeys(str(Path(path).parent) for path in self._files["clouds"])
            return IdentityError(f"cloud {self._name}: no clouds.yaml in {', '.join(folders)}")
        problem = next(self._file_problems(), "")
        if problem:
            return IdentityError(f"cloud {self._name}: {problem}")
        close = difflib.get_close_matches(self._name, names, 3)
        advice = f"did you mean {' or '.join(close)}?" if close else f"it has: {', '.join(sorted(names)) or 'none'}"
        return IdentityError(f"cloud {self._name} not found in {self._file}; {advice}")

    def _file_problems(self) -> Iterator[str]:
        """Yield why files can't be read or parsed; openstacksdk skips such files, and only logs why."""
        import yaml

        for path in (self._file, self._secure):
            if not path:
                continue
            try:
                with Path(path).open(encoding="utf-8") as file:
                    yaml.safe_load(file)
            except OSError as error:
                yield f"can't read {path}: {error.strerror}"
            except UnicodeDecodeError:
                yield f"{path} isn't valid YAML: it isn't UTF-8"
            except yaml.YAMLError as error:
                yield yaml_problem(path, error)

    def _malformed(self, error: Exception) -> str:
        reason, request = next(self._file_problems(), ""), getattr(error, "request", None)
        if not reason and type(error).__name__ == "ConfigException":
            reason = str(error).partition("{")[0]  # it may quote secrets from the file
        elif not reason and request is not None:  # a profile may name a URL
            from storlet_shell.wire.transport import no_answer  # openstacksdk has imported the HTTP libraries

            reason = f"can't load its profile: {no_answer(request.url, error)}"
        return f"cloud {self._name} of {self._file}: {reason or 'expected nested mappings: clouds, NAME, auth'}"


def yaml_problem(path: object, error: Exception) -> str:
    """Describe a parser's error without the text that its message quotes from the file: it may be part of a password.

    :param error: a ``YAMLError``
    """
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    return f"{path} isn't valid YAML{line}: {_without_quotes(getattr(error, 'problem', None) or '')}"


_TAB = r"'\t'"
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


def _without_quotes(problem: str) -> str:
    """Replace text that a parser's message quotes from the file, such as the name of an unknown alias."""
    return "a tab isn't allowed there; use spaces" if _TAB in problem else _QUOTED.sub("…", problem)


def _is_about_profile(warning: warnings.WarningMessage) -> bool:
    """Tell whether openstacksdk warns about an unknown profile; its loader uses this warning for nothing else."""
    return warning.category.__name__ == "ConfigurationWarning" and Path(warning.filename).name == "loader.py"


class _Entry:
    """A cloud as the kinds of identity see it."""

    def __init__(self, cloud: _Cloud, settings: _Settings) -> None:
        self._cloud = cloud
        self._settings = settings
        self.auth_type = settings.auth_type
        self.auth = settings.auth
        self.variables = cloud.variables
        self.missing = cloud.missing

    def demand(self, *keys: str | tuple[str, ...]) -> None:
        """Check that keys are present in ``auth``; one of each tuple is enough.

        :raises IdentityError: if one is missing
        """
        for key in keys:
            alternatives = (key,) if isinstance(key, str) else key
            if not any(self.auth.get(name) for name in alternatives):
                raise self.missing(alternatives[0])

    def credentials(self, scheme: str, secret: str = "") -> Credentials:
        """Return credentials with the settings that all kinds share."""
        return self._cloud.credentials(self._settings, scheme, secret)
