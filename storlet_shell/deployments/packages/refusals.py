"""Map pip's failures to user-facing errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from storlet_shell.deployments.packages.candidates import Files, users_of
from storlet_shell.deployments.packages.pip import Download
from storlet_shell.deployments.packages.wanted import Wanted, normalized
from storlet_shell.errors import Action, Hint, NotFoundError, ServiceError, StorletShellError, UsageError

_URL = re.compile(r"[a-z+]+://[^\s'\"<>)]+", re.IGNORECASE)
_SECRET = re.compile(r"(?<=//)[^/\s@]+@")
_UNFETCHED = re.compile(r"Could not fetch URL (https?://\S+): (?!404)(.*)")  # _internal/index/collector.py
_UNREAD = re.compile(r"^(?:ERROR: |pip\._vendor\.)\S*.*HTTPS?ConnectionPool\(host='([^']+)'", re.MULTILINE)
_STATUS = re.compile(r"^([45]\d\d) |too many (\d{3}) error responses")
_NO_VERSION = re.compile(r"Could not find a version that satisfies the requirement (.+?) \(from versions: (.*)\)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_LINE = re.compile(r"\(from line (\d+) of (.+?)\)")
_MISMATCH = "DO NOT MATCH THE HASHES"
_MISSING_HASH = "Hashes are required in --require-hashes mode"
_UNPINNED = "all requirements must have their versions pinned"
_OTHER_PYTHON = re.compile(r"Package '(\S+)' requires a different Python: \S+ not in '(.+)'")
_UNSUPPORTED = re.compile(r"(\S+\.whl) is not a supported wheel on this platform")
_NO_BINARY = re.compile(r"No binaries permitted for (\S+):")
_NOT_BUILT = "This error originates from a subprocess"
_CONFLICT = re.compile(r"ResolutionImpossible|conflicting dependencies")
_ERROR = re.compile(r"^ERROR: (.+)", re.MULTILINE)


def without_secrets(text: str) -> str:
    """Remove credentials and queries from the URLs in a text."""
    return _URL.sub(lambda match: _SECRET.sub("", match[0].split("?")[0].split("#")[0]), text)


def failure_of(
    run: Download, files: Mapping[str, Files], wanted: Wanted, stubs: Iterable[tuple[str, str]] = ()
) -> StorletShellError:
    """Return the error for a failed download.

    :param files: the files that pip looked at
    :param stubs: the names and versions of those that stand for packages of the engine
    """
    engines = dict(stubs)
    for name, version in stubs:
        if name in files:
            files[name].usable.discard(version)
    output, log = without_secrets(run.output), without_secrets(run.log)
    return (
        _wrong_hash(output)
        or _native(output, log, files, engines)
        or _unusable_index(output, log)
        or _no_version(output, log, files, wanted)
        or _conflict(output, log)
        or _other(output)
    )


def _unusable_index(output: str, log: str) -> StorletShellError | None:
    page, file = _UNFETCHED.search(log), _UNREAD.search(output)
    if page is None and file is None:
        return None
    host = (urlsplit(page[1]).hostname if page else file and file[1]) or "of packages"
    status = _STATUS.search(page[2]) if page else None
    reason = f"answers with status {status[1] or status[2]}" if status else "can't be reached"
    text = f"index {host} {reason}; PIP_INDEX_URL, or --index-url in a requirements file, names another"
    return ServiceError(text)


def _wrong_hash(output: str) -> StorletShellError | None:
    if _MISMATCH in output:
        name = re.search(r"^\s{4}(\S.*?)(?: from .*)?:$", output, re.MULTILINE)
        text = "the file isn't the one whose hash the requirements name; it was changed, or the hash is another file's"
        return StorletShellError(text, subject=f"package {name[1]}" if name else None)
    if _MISSING_HASH in output or _UNPINNED in output:
        names = re.findall(r"^\s{4}(\S+?)(?: --hash.*| from .*| \(from .*)?$", output, re.MULTILINE)
        missing = "a version (==) and hashes" if _UNPINNED in output else "hashes"
        text = f"needs {missing}: if one requirement has a hash, all must, also those that packages need"
        return UsageError(text, subject=f"package {names[0]}" if names else None)
    return None


def _native(output: str, log: str, files: Mapping[str, Files], engines: Mapping[str, str]) -> StorletShellError | None:
    """Return the error about the first package without a wheel of pure Python, or the wanted version of it."""
    match = _UNSUPPORTED.search(output)
    if match is not None:
        return _refused(normalized(match[1].partition("-")[0]), None)
    requirement = _NO_VERSION.search(output)
    for name, has in files.items():
        is_wanted = requirement is not None and normalized(_name_in(requirement[1])) == name
        pinned = re.search(r"==([^\s,;*]+)", requirement[1]) if is_wanted and requirement else None
        versions = {pinned[1]} if pinned and has.usable else has.native
        if (is_wanted or not has.usable) and versions & has.native - has.usable:
            return _refused(name, next(users_of(name, log), None), engines.get(name))
    return None


def _refused(name: str, user: str | None, engines: str | None = None) -> StorletShellError:
    need = f", which {user} needs," if user else ""
    if engines is not None:
        text = f"is native code, and version {engines}, which the engine's Python has, doesn't fit the requirements"
        return UsageError(f"package {name}{need} {text}")
    text = (
        f"package {name}{need} is native code, and only pure Python can be deployed; ask the cluster's operator to "
        f"install it into the engine's Python (pip install {name})"
    )
    return UsageError(text, hint=Hint(Action.PROVIDE, (name,)))


def _no_version(output: str, log: str, files: Mapping[str, Files], wanted: Wanted) -> StorletShellError | None:
    other = _OTHER_PYTHON.search(output)
    if other is not None:
        return _needs_python(other[1], other[2], wanted)
    match = _NO_VERSION.search(output)
    if match is None:
        return _source_only(output, log, files)
    requirement, versions = match[1], match[2]
    name = normalized(_name_in(requirement))
    has = files.get(name, Files())
    if has.has_source and not has.usable:
        return _no_wheel(name)
    if has.pythons and not has.usable:
        return _needs_python(_name_in(requirement), has.pythons[-1], wanted)
    subject = f"package {requirement.split(' (from')[0]}"
    if name in map(normalized, _NO_BINARY.findall(log)):
        return UsageError("only wheels can be deployed, but --no-binary excludes its wheels", subject=subject)
    if versions in ("", "none"):
        return NotFoundError("not found in the package index", subject=subject)
    latest = ", ".join(versions.split(", ")[-5:])
    return NotFoundError(f"no such version in the package index; the latest are: {latest}", subject=subject)


def _needs_python(name: str, versions: str, wanted: Wanted) -> StorletShellError:
    return UsageError(f"requires Python {versions}, not {wanted.python}", subject=f"package {name}")


def _source_only(output: str, log: str, files: Mapping[str, Files]) -> StorletShellError | None:
    if not _CONFLICT.search(output):
        return None
    names = [name for name, has in files.items() if has.has_source and not has.usable]
    return next((_no_wheel(name) for name in names if next(users_of(name, log), None)), None)


def _no_wheel(name: str) -> StorletShellError:
    text = f"has no wheel, only source code; build one (pip wheel {name})"
    return UsageError(text, subject=f"package {name}", hint=Hint(Action.NAME_WHEEL))


def _conflict(output: str, log: str) -> StorletShellError | None:
    if not _CONFLICT.search(output):
        return None
    reasons = re.findall(r"(\S+ \S+ depends on .+|The user requested .+)$", log, re.MULTILINE)
    text = "; ".join(dict.fromkeys(" ".join(reason.split()) for reason in reasons[:4]))
    return UsageError(f"the packages' requirements conflict: {text or 'pip finds no versions that fit'}")


def _other(output: str) -> StorletShellError:
    """Return the error for any other failure, in pip's own words."""
    if _NOT_BUILT in output:
        text = "a requirement is source code that can't be built here; build its wheel (pip wheel)"
        return UsageError(text, hint=Hint(Action.NAME_WHEEL))
    errors = [error for error in _ERROR.findall(output) if error != "Exception:"]
    line = _LINE.search(output)
    if line is not None:
        message = _LINE.sub("", errors[0] if errors else output.strip().splitlines()[-1]).strip()
        return UsageError(message[:1].lower() + message[1:], subject=f"{line[2]}:{line[1]}")
    if "Could not open requirements file" in output:
        return NotFoundError(f"pip: {errors[0]}")
    if any(word in output for word in ("Invalid requirement", "Invalid constraint", "Usage:")):
        return UsageError(f"pip: {errors[0]}" if errors else "pip refuses an option in the requirements file")
    text = errors[0] if errors else next(iter(reversed(output.strip().splitlines())), "it ended without a message")
    return StorletShellError(f"pip: {text}")


def _name_in(requirement: str) -> str:
    match = _NAME.match(requirement)
    return match[0] if match else requirement
