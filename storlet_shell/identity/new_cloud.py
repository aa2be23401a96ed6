"""Add a cloud to clouds.yaml, and its password to secure.yaml; what the files contain already stays byte for byte."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import IdentityError, LocalFileError, UsageError
from storlet_shell.identity import clouds
from storlet_shell.results.saving import replacing

_NAME = re.compile(r"[\w][\w.-]{0,99}")
_VERSION_1 = re.compile(r"/v1(\.0)?/*$")
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff]")


@typed_equality
class NewCloud(NamedTuple):
    """A cloud to add.

    :param project: empty for tempauth, which has no projects; domains and region as well
    :param region: empty for the first of the catalog
    :param cacert: the file of CA certificates that verify its servers; empty for the platform's
    """

    name: str
    auth_url: str
    username: str
    project: str = ""
    user_domain: str = ""
    project_domain: str = ""
    region: str = ""
    cacert: str = ""

    @property
    def is_tempauth(self) -> bool:
        """Whether its identity service is Swift's own, by the URL's version."""
        return is_tempauth(self.auth_url)

    def settings(self) -> dict[str, Any]:
        """Return its entry in clouds.yaml, which has no secrets."""
        auth = {"auth_url": self.auth_url, "username": self.username}
        if self.is_tempauth:
            return self._with_options({"auth_type": "v1password", "auth": auth})
        auth |= {"user_domain_name": self.user_domain, "project_name": self.project}
        return self._with_options({"auth": {**auth, "project_domain_name": self.project_domain}})

    def _with_options(self, settings: dict[str, Any]) -> dict[str, Any]:
        options = {"region_name": self.region, "cacert": self.cacert}
        return settings | {name: value for name, value in options.items() if value}

    def variables(self, password: str) -> dict[str, str]:
        """Return the variables of the same identity."""
        if self.is_tempauth:
            variables = {"ST_AUTH": self.auth_url, "ST_USER": self.username, "ST_KEY": password}
        else:
            variables = {
                "OS_AUTH_URL": self.auth_url,
                "OS_USERNAME": self.username,
                "OS_PASSWORD": password,
                "OS_PROJECT_NAME": self.project,
                "OS_USER_DOMAIN_NAME": self.user_domain,
                "OS_PROJECT_DOMAIN_NAME": self.project_domain,
                "OS_REGION_NAME": self.region,
            }
        return {name: value for name, value in {**variables, "OS_CACERT": self.cacert}.items() if value}


def is_tempauth(auth_url: str) -> bool:
    """Tell whether a URL is one of version 1, Swift's own identity service."""
    return _VERSION_1.search(auth_url) is not None


@typed_equality
class Places(NamedTuple):
    """The files that a cloud is added to; they needn't exist."""

    clouds: Path
    secure: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Places:
        """Return the files that openstacksdk reads, or would read if they existed.

        :raises UsageError: if one isn't YAML
        """
        candidates = clouds.files(environ)
        paths = {}
        for kind, variable in clouds.FILE_VARIABLES.items():
            existing = next((path for path in candidates[kind] if Path(path).exists()), None)
            paths[kind] = Path(environ.get(variable) or existing or _of_user(candidates[kind]))
        neighbor = paths["clouds"].parent / "secure.yaml"
        if not paths["secure"].exists() and neighbor in map(Path, candidates["secure"]):
            paths["secure"] = neighbor
        for path in paths.values():
            if path.suffix == ".json":
                raise UsageError("can't be extended: it is JSON, not YAML; add the cloud by hand", subject=str(path))
        return cls(paths["clouds"], paths["secure"])


def _of_user(candidates: list[str]) -> str:
    """Return the file in the user's folder: the current folder's come first, with three suffixes."""
    return next(path for path in candidates if Path(path).parent.name == "openstack")


def check_name(name: str, places: Places) -> None:
    """Check the name of a new cloud.

    :raises UsageError: if it isn't valid, or one of the files has a cloud of that name
    :raises IdentityError: if a file isn't valid YAML
    """
    if not _NAME.fullmatch(name) or name == "defaults":
        raise UsageError(f"the name of a cloud can only have letters, digits, '.', '-' and '_': {name!r}")
    for path in places:
        if name in _clouds_in(_parsed(_read(path), path), path):
            raise UsageError(f"cloud {name} is in {path} already; choose another name, or edit the file")


def add(cloud: NewCloud, password: str, places: Places) -> None:
    """Add a cloud to the files, or change neither.

    :raises UsageError: as for :func:`check_name`; or if a file can't be extended, with the text to add in the details
    :raises LocalFileError: if a file can't be written
    """
    check_name(cloud.name, places)
    before = _read(places.secure)
    secure = extended(before, places.secure, cloud.name, {"auth": {"password": password}}, shown="…")
    public = extended(_read(places.clouds), places.clouds, cloud.name, cloud.settings())
    _write_private(places.secure, secure)
    try:
        _make_folder(places.clouds)
        with replacing(places.clouds) as file:
            file.write(public.encode())
    except BaseException:
        if before:
            _write_private(places.secure, before)
        else:
            places.secure.unlink()
        raise


def entry(name: str, settings: Mapping[str, Any], indent: int = 2) -> str:
    """Return a cloud's entry as YAML, below ``clouds:``.

    :param indent: the number of blanks in front of its name
    """
    return "\n".join(_lines({name: settings}, indent, indent)) + "\n"


def _lines(mapping: Mapping[str, Any], indent: int, step: int) -> Iterator[str]:
    import yaml  # few lines add a cloud

    for key, value in mapping.items():
        label = key if yaml.safe_load(key) == key else json.dumps(key, ensure_ascii=False)
        if isinstance(value, Mapping):
            yield f"{' ' * indent}{label}:"
            yield from _lines(value, indent + step, step)
        else:
            yield f"{' ' * indent}{label}: {_quoted(value)}"


def _quoted(text: str) -> str:
    """Spell a text in double quotes, which YAML and JSON have in common."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def extended(text: str, path: Path, name: str, settings: Mapping[str, Any], *, shown: str = "") -> str:
    """Return the text of a file with another cloud; all its other lines stay as they are.

    :param shown: replaces a secret in the error's details; empty without a secret
    :raises UsageError: if that isn't possible; the details are the lines to add by hand
    """
    before = _parsed(text, path)
    wanted = {**before, "clouds": {**_clouds_in(before, path), name: settings}}
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    place, indent = _place(text, len(lines)) if before.get("clouds") else (len(lines), 2)
    heading = "" if "clouds" in before else "clouds:\n"
    with contextlib.suppress(IdentityError):
        result = "".join([*lines[:place], heading, entry(name, settings, indent or 2), *lines[place:]])
        if _parsed(result, path) == wanted:
            return result
    by_hand = entry(name, {"auth": {"password": shown}} if shown else settings)
    raise UsageError(
        f"{path}: can't be extended without rewriting it; add the cloud by hand", details=f"clouds:\n{by_hand}"
    )


def _place(text: str, end: int) -> tuple[int, int]:
    """Return the line after the last cloud, and the indentation of their names; both are checked afterward."""
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    node = next(value for key, value in root.value if key.value == "clouds")
    indent, line = node.start_mark.column, 0
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        parts = last if isinstance(last, tuple) else (last,)
        node = parts[-1]
        line = max(line, *map(_line_after, parts))  # the value of an alias is elsewhere
    return min(line, end), indent


def _line_after(node: Any) -> int:
    """Return the line after a node; a block of text ends at the beginning of that line."""
    return int(node.end_mark.line + (node.end_mark.column > 0))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise IdentityError(f"{path} isn't valid YAML: it isn't UTF-8") from None
    except OSError as error:
        raise LocalFileError(f"can't read {path}: {error.strerror or error}") from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise IdentityError(clouds.yaml_problem(path, error)) from None
    if data is not None and not isinstance(data, dict):
        raise IdentityError(f"{path} isn't a mapping with the key clouds")
    return data or {}


def _clouds_in(data: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    entries = data.get("clouds") or {}
    if not isinstance(entries, Mapping):
        raise IdentityError(f"{path}: clouds isn't a mapping of names to clouds")
    return entries


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LocalFileError(f"can't make the folder {path.parent}: {error.strerror or error}") from error


def _write_private(path: Path, text: str) -> None:
    """Replace a file by one that only the user may read, at no moment anybody else."""
    _make_folder(path)
    target = path.resolve()
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".storlet-shell-")  # with mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise LocalFileError(f"can't write {path}: {error.strerror or error}") from error
