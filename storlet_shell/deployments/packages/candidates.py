"""Read in pip's log which files it found for each package, and why it left others out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from storlet_shell.deployments.packages.wanted import normalized

# pip/_internal/index/package_finder.py: LinkEvaluator.evaluate_link, PackageFinder._log_skipped_link
_USABLE = re.compile(r"Found link (\S+).*, version: \S+")
_NATIVE = re.compile(r"Skipping link: none of the wheel's tags .*?: (\S+/\S+\.whl)")
_SOURCE = re.compile(r"Skipping link: No sources permitted for (\S+): (\S+)")
_OTHER_PYTHON = re.compile(r"Skipping link: \S+ Requires-Python (.+): (\S+/\S+)")
# pip/_internal/resolution/resolvelib/factory.py: get_installation_error, _report_single_requirement_conflict
_DEPENDS = re.compile(
    r"(\S+) \S+ depends on ([A-Za-z0-9._-]+)|satisfies the requirement ([A-Za-z0-9._-]+).* \(from (\S+)\)"
)


@dataclass
class Files:
    """The files that an index has of a package.

    :ivar usable: the versions with a wheel of pure Python for the wanted Python
    :ivar native: the versions with other wheels
    :ivar has_source: whether there is source code
    :ivar pythons: the versions of Python that other releases require
    """

    usable: set[str] = field(default_factory=set)
    native: set[str] = field(default_factory=set)
    has_source: bool = False
    pythons: list[str] = field(default_factory=list)


def files_by_package(log: str) -> dict[str, Files]:
    """Return the files that pip looked at, by the packages' normalized names, in the order in which it looked."""
    packages: dict[str, Files] = {}
    for line in log.splitlines():
        if match := _USABLE.search(line):
            name, version = _of_file(match[1])
            packages.setdefault(name, Files()).usable.add(version)
        elif match := _NATIVE.search(line):
            name, version = _of_file(match[1])
            packages.setdefault(name, Files()).native.add(version)
        elif match := _SOURCE.search(line):
            name = normalized(match[1])
            if _is_file_of(name, match[2]):
                packages.setdefault(name, Files()).has_source = True
        elif match := _OTHER_PYTHON.search(line):
            packages.setdefault(_of_file(match[2])[0], Files()).pythons.append(match[1])
    return packages


def users_of(package: str, output: str) -> Iterator[str]:
    """Yield the packages that need another one, by what pip says about a failure.

    :param package: its normalized name
    """
    for match in _DEPENDS.finditer(output):
        if normalized(match[2] or match[3]) == package:
            yield match[1] or match[4]


def _is_file_of(name: str, url: str) -> bool:
    """Tell whether a file is one of a package: in a folder, pip looks at those of others, too."""
    return normalized(url.split("#")[0].rpartition("/")[2]).startswith(f"{name}-")


def _of_file(url: str) -> tuple[str, str]:
    """Return the normalized name and the version of a wheel; of other files, only the name can be right."""
    name, _, rest = unquote(url.split("#")[0].rpartition("/")[2]).partition("-")
    return normalized(name), rest.partition("-")[0]
