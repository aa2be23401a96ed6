"""Clouds of clouds.yaml, secure.yaml and clouds-public.yaml, as openstacksdk reads them.

openstacksdk's configuration is imported here only, and without the rest of the SDK.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, IdentityError
from storlet_shell.identity.environment import kind_of_type
from storlet_shell.identity.values import Credentials
from storlet_shell.identity.variables import connection_of, interface_of
from storlet_shell.values import Connection

_ENDINGS = (".yaml", ".yml", ".json")
_OPEN_SECRETS = ("password", "token", "passcode", "client_secret", "access_token", "application_credential_secret")
"""Secrets that a cloud may leave to a variable."""

_EITHER = (
    ("project_name", "project_id"),
    ("project_domain_name", "project_domain_id"),
    ("username", "user_id"),
    ("user_domain_name", "user_domain_id"),
)
"""Two ways to say the same: an option replaces what the file says in the other way."""

_OTHER_OPTIONS = frozenset(
    {"cloud", "region_name", "interface", "endpoint_type", "cacert", "cert", "key", "insecure", "storage_url"}
    | {"auth_type", "auth_plugin", "auth_version", "identity_api_version", "default_domain"}
)
"""Options that do not belong into a cloud's ``auth``."""


def state(variables: Mapping[str, str]) -> object:
    """Return something that is another when what a cloud is read from has changed: variables, places, or files."""
    mattering = {name: value for name, value in variables.items() if name.startswith(("OS_", "XDG_CONFIG_"))}
    found = [(path, status) for paths in _files(variables).values() for path in paths if (status := _status(path))]
    return sorted(mattering.items()), variables.get("HOME"), found


def read(name: str, environ: Mapping[str, str], given: Mapping[str, str]) -> Credentials:
    """Return the identity of a cloud.

    Options win over what the file says. Of the variables, region and interface choose as options do; those of a secret,
    a CA bundle or a client certificate count where the file has none.

    :param given: what options say, by the names of the variables
    :raises IdentityError: when there is no such cloud, or half of one; the message names the file and the key
    """
    return _Cloud(name, environ, given).read()


def _status(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  it is done before each request
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _files(variables: Mapping[str, str]) -> dict[str, list[str]]:
    """Return where openstacksdk looks for each of its files, the first one first (its ``config/loader.py``).

    It looks the places up once, when it is imported; a notebook may change its folder later.
    """
    home = variables.get("HOME") or os.path.expanduser("~")  # noqa: PTH111  it raises nothing where there is no home
    own = variables.get("XDG_CONFIG_HOME") or f"{home}/.config"
    shared = (variables.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    folders = [
        os.curdir,
        *(f"{folder}/openstack" for folder in dict.fromkeys((own, f"{home}/.config", *shared, "/etc"))),
    ]
    files = {
        name: [f"{folder}/{name}{ending}" for folder in folders for ending in _ENDINGS]
        for name in ("clouds", "secure", "clouds-public")
    }
    for name, variable in (("clouds", "OS_CLIENT_CONFIG_FILE"), ("secure", "OS_CLIENT_SECURE_FILE")):
        if variables.get(variable):
            files[name].insert(0, variables[variable])
    return files


def _configuration_class() -> Any:
    """Return openstacksdk's ``OpenStackConfig``.

    The package's own ``__init__`` imports the whole SDK, which takes 0.3 s. So an empty package stands in its place for
    as long as this takes, and a later ``import openstack`` of the user's finds nothing of it.
    """
    if "openstack" not in sys.modules:
        specification = importlib.util.find_spec("openstack")
        if specification is None:
            raise IdentityError("clouds.yaml is read by openstacksdk, which is not installed: pip install openstacksdk")
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
class _Found(NamedTuple):
    """A cloud as openstacksdk has put it together."""

    auth_type: str
    auth: dict[str, str]
    region: str
    interface: str
    endpoint: str
    connection: Connection


class _Cloud:
    def __init__(self, name: str, environ: Mapping[str, str], given: Mapping[str, str]) -> None:
        self._name = name
        self._given = given
        self.variables = {**environ, **given}
        self._files = _files(self.variables)
        self._file = next((path for path in self._files["clouds"] if _status(path)), "")
        self._secure = next((path for path in self._files["secure"] if _status(path)), "")
        self._profile = ""

    def read(self) -> Credentials:
        found = self._found()
        return kind_of_type(found.auth_type).read_cloud(_Entry(self, found))

    def credentials(self, found: _Found, scheme: str, secret: str) -> Credentials:
        """Return credentials whose source is the cloud's files."""
        return Credentials(
            source=f"cloud {self._name} of {' and '.join(path for path in (self._file, self._secure) if path)}",
            scheme=scheme,
            auth_url=found.auth["auth_url"],
            user=found.auth.get("username") or found.auth.get("user_id") or "",
            secret=secret,
            auth_type=found.auth_type,
            region=found.region,
            interface=found.interface,
            storage_url=found.endpoint,
            connection=found.connection,
        )

    def lacks(self, key: str) -> IdentityError:
        """Return the error of a key that is missing, with the reason where one is known."""
        text = f"cloud {self._name} of {self._file} lacks auth.{key}"
        reason = next(self._complaints(), "") or self._profile
        if reason:
            return IdentityError(f"{text}; {reason}")
        if key in _OPEN_SECRETS:
            return IdentityError(f"{text}: set it there, in secure.yaml beside it, or in OS_{key.upper()}")
        return IdentityError(text, hint=Hint(Action.SET_IN_CLOUD, (key.replace("_", "-"),)))

    def _found(self) -> _Found:
        make = _configuration_class()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                found = self._put_together(make)
            except IdentityError:
                raise
            except Exception as error:  # openstacksdk fails in many ways over a file that is not what it should be
                raise IdentityError(self._malformed(error)) from None
        unknown = next((one.message for one in said if _is_of_profile(one)), None)
        self._profile = f"its profile is unknown: {unknown}" if unknown else ""
        return found

    def _put_together(self, make: Any) -> _Found:
        """Let openstacksdk put the cloud together, without its auth plug-in, which takes a search for entry points."""
        configuration = make(
            load_envvars=False,
            config_files=self._files["clouds"],
            secure_files=self._files["secure"],
            vendor_files=self._files["clouds-public"],
        )
        self._require_first(configuration.config_filename)
        names = configuration.get_cloud_names() if configuration.config_filename else []
        if names == ["defaults"]:  # what openstacksdk makes of a file without clouds
            names = []
        if self._name not in names:
            raise self._unknown(names)
        self._file = configuration.config_filename
        self._secure = configuration.secure_config_filename or self._secure
        region = configuration.get_one(self._name, validate=False, **self._overrides(configuration))
        interface = interface_of(self.variables) or region.get_interface("object-store") or "public"
        return _Found(
            auth_type=self._given.get("OS_AUTH_TYPE") or region.config["auth_type"],
            auth={name: str(value) for name, value in region.config["auth"].items() if value not in (None, "")},
            region=region.get_region_name("object-store") or "",
            interface=interface if isinstance(interface, str) else interface[0],
            endpoint=self.variables.get("OS_STORAGE_URL") or region.get_endpoint("object-store") or "",
            connection=self._connection(region),
        )

    def _require_first(self, found: str | None) -> None:
        """Check that a file is not passed over: the cloud of the same name in the next one may be another.

        :raises IdentityError: when it is damaged, or is named by a variable and not there
        """
        named = self.variables.get("OS_CLIENT_CONFIG_FILE")
        if named and named != self._file:
            raise IdentityError(f"cloud {self._name}: OS_CLIENT_CONFIG_FILE is {named}, which is not there")
        complaint = next(self._complaints(), "") if found != self._file else ""
        if complaint:
            raise IdentityError(f"cloud {self._name}: {complaint}")

    def _overrides(self, configuration: Any) -> dict[str, Any]:
        """Return what options and variables say in the place of the file, as openstacksdk takes it."""
        options = {name[3:].lower(): value for name, value in self._given.items() if value}
        auth = {name: value for name, value in options.items() if name not in _OTHER_OPTIONS}
        held = configuration.cloud_config["clouds"][self._name].get("auth") or {}
        for name in _OPEN_SECRETS:
            value = self.variables.get(f"OS_{name.upper()}")
            if value and not held.get(name):
                auth.setdefault(name, value)
        for names in _EITHER:
            if auth.keys() & names:
                auth = dict.fromkeys(names, "") | auth
        region = self.variables.get("OS_REGION_NAME")
        return {"auth": auth} | ({"region_name": region} if region else {})

    def _connection(self, region: Any) -> Connection:
        given, left_open = connection_of(self._given), connection_of(self.variables)
        verify, certificate = region.get_requests_verify_args()
        cert, key = certificate if isinstance(certificate, tuple) else (certificate or "", "")
        timeout = region.config.get("api_timeout")
        return Connection(
            cacert=given.cacert or (verify if isinstance(verify, str) else left_open.cacert),
            insecure=given.insecure or verify is False,
            timeout=float(timeout) if timeout else Connection().timeout,
            cert=given.cert or cert or left_open.cert,
            key=given.key or (key if cert else left_open.key),
        )

    def _unknown(self, names: list[str]) -> IdentityError:
        if not self._file:
            folders = dict.fromkeys(str(Path(path).parent) for path in self._files["clouds"])
            return IdentityError(f"cloud {self._name}: there is no clouds.yaml; looked for in {', '.join(folders)}")
        complaint = next(self._complaints(), "")
        if complaint:
            return IdentityError(f"cloud {self._name}: {complaint}")
        close = difflib.get_close_matches(self._name, names, 3)
        others = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(sorted(names)) or 'none'}"
        return IdentityError(f"cloud {self._name} is not in {self._file}; {others}")

    def _complaints(self) -> Iterator[str]:
        """Yield what is wrong with a file as such: openstacksdk leaves it out, and says so in its log only.

        Of what the parser says, nothing is shown that it quotes from the file: it may be a part of a password.
        """
        import yaml

        for path in (self._file, self._secure):
            if not path:
                continue
            try:
                with Path(path).open(encoding="utf-8") as file:
                    yaml.safe_load(file)
            except OSError as error:
                yield f"{path} can't be read: {error.strerror}"
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                mark = getattr(error, "problem_mark", None)
                where = f", line {mark.line + 1}" if mark else ""
                problem = getattr(error, "problem", None) or "it is not UTF-8"
                yield f"{path} is no YAML{where}: {problem.partition(chr(39))[0].strip()}"

    def _malformed(self, error: Exception) -> str:
        reason, request = next(self._complaints(), ""), getattr(error, "request", None)
        if not reason and type(error).__name__ == "ConfigException":
            reason = str(error).partition("{")[0]  # what it quotes of the file may hold secrets
        elif not reason and request is not None:  # a profile may name a URL
            from storlet_shell.wire.transport import no_answer  # its HTTP libraries are those of openstacksdk

            reason = f"its profile can't be had: {no_answer(request.url, error)}"
        return f"cloud {self._name} of {self._file}: {reason or 'it is not laid out as mappings: clouds, NAME, auth'}"


def _is_of_profile(warning: warnings.WarningMessage) -> bool:
    """Tell whether openstacksdk warns of an unknown profile: its loader gives this warning for nothing else."""
    return warning.category.__name__ == "ConfigurationWarning" and Path(warning.filename).name == "loader.py"


class _Entry:
    """A cloud as kinds of identity read it."""

    def __init__(self, cloud: _Cloud, found: _Found) -> None:
        self._cloud = cloud
        self._found = found
        self.auth_type = found.auth_type
        self.auth = found.auth
        self.variables = cloud.variables
        self.lacks = cloud.lacks

    def demand(self, *keys: str | tuple[str, ...]) -> None:
        """Check that keys stand below ``auth``; of a tuple, one is enough.

        :raises IdentityError: when one doesn't
        """
        for key in keys:
            ways = (key,) if isinstance(key, str) else key
            if not any(self.auth.get(way) for way in ways):
                raise self.lacks(ways[0])

    def credentials(self, scheme: str, secret: str = "") -> Credentials:
        """Return what is the same in the credentials of every kind."""
        return self._cloud.credentials(self._found, scheme, secret)
