"""The clusters that suites run against: an embedded Swift, or the stock servers that Swift's suite starts itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from conformance import samples
from storlet_shell.embedded import control

_USERS = {
    "": ("test:tester", "testing", ".admin"),
    "2": ("test2:tester2", "testing2", ".admin"),
    "3": ("test:tester3", "testing3", ""),
    "5": ("test5:tester5", "testing5", "service"),
    "6": ("admin:admin", "admin", ".admin .reseller_admin"),
}
"""The users of Swift's sample configuration, with passwords and groups, by the number in the names of the options."""

_S3_USERS = {"": _USERS[""], "2": ("test:tester2", "testing2", ".admin"), "3": _USERS["3"]}
"""The users of the S3 tests."""


@contextmanager
def tempauth(folder: Path, *, s3: bool = False) -> Iterator[Mapping[str, str]]:
    """Start an embedded Swift with the users of Swift's suite; yield the environment for its tests.

    :param folder: where to write the configuration of the tests
    :param s3: whether it answers S3 requests
    """
    users = {name: f"{password} {groups}" for name, password, groups in (*_USERS.values(), *_S3_USERS.values())}
    with control.join_or_start(Path(), control.Settings(ephemeral=True, users=users, s3=s3)) as lease:
        options = {
            "auth_uri": lease.running.auth_url,
            "collate": "C",
            "service_prefix": "SERVICE",
            "storage_domain": "example.com",
        }
        for number, (user, password, _) in _USERS.items():
            account, _, name = user.partition(":")
            options |= {f"account{number}": account, f"username{number}": name, f"password{number}": password}
        options |= _s3_options(lease.running, [(user, password) for user, password, _ in _S3_USERS.values()])
        yield _swift_variables(folder, options)


def tempauth_with_s3(folder: Path) -> AbstractContextManager[Mapping[str, str]]:
    """Start an embedded Swift as :func:`tempauth` does, but with S3."""
    return tempauth(folder, s3=True)


@contextmanager
def keystone_with_s3(folder: Path) -> Iterator[Mapping[str, str]]:
    """Start an embedded Swift with Keystone and S3; yield the environment for Swift's S3 tests.

    These tests need two owners of an account, tester and admin, and a user without rights in it, tester_member.

    :param folder: where to write the configuration of the tests
    """
    owner, member, outsider, administrator = control.USERS
    with control.join_or_start(Path(), control.Settings(ephemeral=True, auth=control.KEYSTONE, s3=True)) as lease:
        options = {"auth_uri": f"{lease.running.auth_url}/", "auth_version": "3", "collate": "C"}
        for number, user in {"": owner, "2": outsider, "3": member}.items():
            options |= {f"account{number}": user.project, f"username{number}": user.name}
            options |= {f"password{number}": user.password, f"domain{number}": "default"}
        environments = [control.s3.environment(lease.running, user.name) for user in (owner, administrator, member)]
        keys = [(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]) for environ in environments]
        yield _swift_variables(folder, options | _s3_options(lease.running, keys))


@contextmanager
def keystone(folder: Path) -> Iterator[Mapping[str, str]]:
    """Start an embedded Swift with Keystone, whose users are those of Storlets' suite.

    :param folder: where to write the configuration of the tests
    """
    tester, member, *_ = control.USERS
    with control.join_or_start(Path(), control.Settings(ephemeral=True, auth=control.KEYSTONE)) as lease:
        options = {
            "keystone_default_domain": "default",
            "keystone_public_url": lease.running.auth_url,
            "storlets_default_project_name": tester.project,
            "storlets_default_project_user_name": tester.name,
            "storlets_default_project_user_password": tester.password,
            "storlets_default_project_member_user": member.name,
            "storlets_default_project_member_password": member.password,
            "region": "",
            "storlet_container": "storlet",
            "storlet_dependency": "dependency",
            "storlets_gateway_module": "docker",
        }
        path = _write(folder, "test.conf", {"general": options})
        yield {"CLUSTER_CONF_DIR": str(path.parent)}


@contextmanager
def keystone_and_samples(folder: Path) -> Iterator[Mapping[str, str]]:
    """Do the same as :func:`keystone`, and build upstream's Java samples, which needs a JDK and a C compiler."""
    built = samples.build()
    with keystone(folder) as variables:
        yield {**variables, "STORLET_SAMPLE_PATH": str(built)}


@contextmanager
def stock(_folder: Path) -> Iterator[Mapping[str, str]]:
    """Let Swift's suite start stock servers itself, with the sample configuration.

    They need a file system that stores extended attributes of more than 4 KiB: tmpfs from Linux 6.6 on, but not ext4.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as data:
        yield {"SWIFT_TEST_IN_PROCESS": "true", "TMPDIR": data}


def _s3_options(running: control.Running, keys: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the options of Swift's S3 tests.

    :param keys: the access keys and secret keys of their three users
    """
    options = {"s3_region": control.s3.REGION, "s3_storage_url": f"http://127.0.0.1:{running.port}/"}
    for number, (access_key, secret_key) in zip(("", "2", "3"), keys, strict=True):
        options |= {f"s3_access_key{number}": access_key, f"s3_secret_key{number}": secret_key}
    return options


def _swift_variables(folder: Path, options: Mapping[str, str]) -> dict[str, str]:
    """Write the configuration of Swift's tests; return the environment that makes them use it."""
    path = _write(folder, "swift.conf", {"func_test": options})
    return {"SWIFT_TEST_CONFIG_FILE": str(path), "SWIFT_TEST_IN_PROCESS": "false"}


def _write(folder: Path, name: str, sections: Mapping[str, Mapping[str, str]]) -> Path:
    parser = ConfigParser(interpolation=None)
    parser.read_dict(sections)
    with (folder / name).open("w") as file:
        parser.write(file)
    return folder / name
