"""Clouds in clouds.yaml: their contents, options and variables on top, and errors about incomplete ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from storlet_shell.errors import IdentityError
from storlet_shell.identity import clouds
from storlet_shell.identity.finder import Finder
from storlet_shell.identity.values import Credentials

AUTH = "auth_url: http://host:5000/v3, username: user, project_name: project"
CLOUDS = f"""
clouds:
  whole: {{auth: {{{AUTH}, password: hunter22}}}}
  open: {{auth: {{{AUTH}}}}}
  regions: {{auth: {{{AUTH}, password: hunter22}}, regions: [one, two]}}
  application:
    auth_type: v3applicationcredential
    auth: {{auth_url: "http://host:5000", application_credential_id: app, application_credential_secret: hunter22}}
  token: {{auth_type: v3token, auth: {{auth_url: "http://host:5000", token: hunter22, project_id: p}}}}
  tempauth: {{auth_type: v1password, auth: {{auth_url: "http://host/auth/v1.0", username: "a:u", password: hunter22}}}}
  oidc:
    auth_type: v3oidcpassword
    auth: {{{AUTH}, password: hunter22, client_secret: hunter22, identity_provider: idp}}
  reach:
    auth: {{{AUTH}, password: 12345}}
    cacert: ca.pem
    cert: me.pem
    key: me.key
    interface: internal
    api_timeout: 7
    object_store_endpoint_override: http://elsewhere/v1/A
  trusting: {{verify: false, auth: {{{AUTH}, password: hunter22}}}}
  vendor: {{profile: ours, auth: {{username: user, password: hunter22, project_name: project}}}}
  lost: {{profile: nowhere, auth: {{username: user, password: hunter22, project_name: project}}}}
  nothing:
  flat: {{auth: hunter22}}
  no_url: {{auth: {{username: user, password: hunter22, project_name: project}}}}
  no_user: {{auth: {{auth_url: "http://host", password: hunter22, project_name: project}}}}
  no_project: {{auth: {{auth_url: "http://host", username: user, password: hunter22}}}}
  no_secret: {{auth_type: v3applicationcredential, auth: {{auth_url: "http://host", application_credential_id: app}}}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home with the clouds."""
    folder = tmp_path / ".config" / "openstack"
    folder.mkdir(parents=True)
    (folder / "clouds.yaml").write_text(CLOUDS)
    vendor = 'public-clouds: {ours: {auth: {auth_url: "http://vendor:5000"}, region_name: north}}'
    (folder / "clouds-public.yaml").write_text(vendor)
    return folder


def read(home: Path, name: str, given: dict[str, str] | None = None, **environ: str) -> Credentials:
    """Return the identity of a cloud."""
    return clouds.read(name, {"HOME": str(home.parents[1]), **environ}, given or {})


@pytest.mark.parametrize(
    ("name", "scheme", "auth_type", "user"),
    [
        ("whole", "v3", "password", "user"),
        ("application", "v3", "v3applicationcredential", ""),
        ("token", "v3", "v3token", ""),
        ("tempauth", "v1", "v1password", "a:u"),
        ("vendor", "v3", "password", "user"),
    ],
)
def test_cloud_is_read(home: Path, name: str, scheme: str, auth_type: str, user: str) -> None:
    """Each auth type; the source names cloud and file, and the secret is shown nowhere."""
    found = read(home, name)
    assert (found.scheme, found.user, found.secret) == (scheme, user, "hunter22")
    assert scheme == "v1" or found.auth_type == auth_type
    assert found.source == f"cloud {name} of {home}/clouds.yaml"
    assert "hunter22" not in repr(found)


def test_vendor_profile_is_merged(home: Path) -> None:
    """A profile of clouds-public.yaml brings URL and region."""
    found = read(home, "vendor")
    assert (found.auth_url, found.region) == ("http://vendor:5000", "north")


def test_other_auth_types_are_handed_on(home: Path) -> None:
    """Pass all settings of the file to keystoneauth."""
    found = read(home, "oidc")
    assert dict(found.scope)["identity_provider"] == "idp"
    assert set(found.secrets) == {"hunter22"}


def test_connection_interface_and_endpoint_come_from_the_cloud(home: Path) -> None:
    """A password of digits, which YAML parses as a number, stays text."""
    found = read(home, "reach")
    how = found.connection
    assert (how.cacert, how.cert, how.key, how.timeout, how.insecure) == ("ca.pem", "me.pem", "me.key", 7.0, False)
    assert (found.interface, found.storage_url, found.secret) == ("internal", "http://elsewhere/v1/A", "12345")
    assert read(home, "trusting").connection.insecure


def test_secret_may_lie_beside_it_or_in_a_variable(home: Path) -> None:
    """secure.yaml, or OS_PASSWORD; a variable does not replace what the file says."""
    assert "auth.password" in read(home, "open").missing_password
    assert read(home, "open", OS_PASSWORD="of the variable").secret == "of the variable"
    assert read(home, "whole", OS_PASSWORD="of the variable").secret == "hunter22"
    (home / "secure.yaml").write_text("clouds: {open: {auth: {password: of the file}}}")
    found = read(home, "open")
    assert (found.secret, found.missing_password) == ("of the file", "")
    assert found.source.endswith(f"clouds.yaml and {home}/secure.yaml")


def test_options_replace_what_the_file_says(home: Path) -> None:
    """Even if an option uses an id where the file uses a name."""
    given = {"OS_PROJECT_ID": "other", "OS_USERNAME": "me", "OS_CACERT": "mine.pem", "OS_STORAGE_URL": "http://s/v1/B"}
    found = read(home, "reach", given)
    options = dict(found.scope)
    assert "project_name" not in options
    assert (options["project_id"], found.user) == ("other", "me")
    assert (found.connection.cacert, found.storage_url) == ("mine.pem", "http://s/v1/B")


def test_region_and_interface_are_chosen_by_variables_too(home: Path) -> None:
    """Without one, the first region; one that the cloud has not is refused with those that it has."""
    assert read(home, "regions").region == "one"
    assert read(home, "regions", OS_REGION_NAME="two", OS_INTERFACE="admin")[6:8] == ("two", "admin")
    with pytest.raises(IdentityError, match=r"three.*one,two"):
        read(home, "regions", OS_REGION_NAME="three")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_url", "has no auth.auth_url"),
        ("no_user", "has no auth.username"),
        ("no_project", "has no auth.project_name"),
        ("no_secret", "has no auth.application_credential_secret"),
        ("lost", "has no auth.auth_url; its profile is unknown"),
        ("nothing", "expected nested mappings"),
        ("flat", "expected nested mappings"),
        ("whol", r"not found in .*; did you mean whole\?"),
        ("zzzz", "it has: application, flat"),
    ],
)
def test_half_a_cloud_is_one_line_with_file_and_key(home: Path, name: str, said: str) -> None:
    """The reader learns which file to open and what to write; no secret of it is shown."""
    with pytest.raises(IdentityError, match=said) as caught:
        read(home, name)
    text = str(caught.value)
    assert f"{home}/clouds.yaml" in text
    assert len(text.splitlines()) == 1
    assert "hunter22" not in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"clouds:\n  a: {auth: {password: [}}\n", "isn't valid YAML, line 2"),
        (b"clouds: {a: {auth: {password: *hunter22}}}", "isn't valid YAML, line 1"),
        (b"clouds: \xff\n", "isn't valid YAML: it isn't UTF-8"),
        (b"clouds:\n\ta: {}\n", r"isn't valid YAML, line 2: a tab isn't allowed there; use spaces$"),
        (b"clouds: {a: {auth: {password: @hunter22}}}", "line 1: found character … that cannot start any token$"),
        (b"", "it has: none"),
        (b"- a\n- b\n", "not a valid mapping"),
        (b"clouds: [a, b]\n", "expected nested mappings"),
    ],
)
def test_damaged_file_is_one_line(home: Path, content: bytes, said: str) -> None:
    """The line is named, and nothing of it is quoted: it may hold a password."""
    (home / "clouds.yaml").write_bytes(content)
    with pytest.raises(IdentityError, match=said) as caught:
        read(home, "a")
    assert str(home / "clouds.yaml") in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_file_that_can_not_be_read_is_one_line(home: Path) -> None:
    """It would be left out in silence, and the cloud be called unknown."""
    (home / "clouds.yaml").unlink()
    (home / "clouds.yaml").mkdir()
    with pytest.raises(IdentityError, match=r"can't read .*clouds\.yaml: Is a directory"):
        read(home, "whole")


def test_no_file_at_all_names_the_places(tmp_path: Path) -> None:
    """Where one would be found."""
    with pytest.raises(IdentityError, match=rf"no clouds\.yaml in \., {tmp_path}/\.config/openstack"):
        clouds.read("any", {"HOME": str(tmp_path)}, {})


def test_file_may_be_named_by_a_variable(home: Path, tmp_path: Path) -> None:
    """OS_CLIENT_CONFIG_FILE comes before every place."""
    other = tmp_path / "other.yaml"
    other.write_text(CLOUDS.replace("hunter22", "another"))
    assert read(home, "whole", OS_CLIENT_CONFIG_FILE=str(other)).secret == "another"


def test_file_is_not_passed_over_in_silence(home: Path, tmp_path: Path) -> None:
    """The next file's cloud of the same name may be another one."""
    with pytest.raises(IdentityError, match=r"OS_CLIENT_CONFIG_FILE is .*/no\.yaml, which doesn't exist"):
        read(home, "whole", OS_CLIENT_CONFIG_FILE=str(tmp_path / "no.yaml"))
    (tmp_path / "damaged.yaml").write_text("clouds: [")
    with pytest.raises(IdentityError, match=r"damaged\.yaml isn't valid YAML"):
        read(home, "whole", OS_CLIENT_CONFIG_FILE=str(tmp_path / "damaged.yaml"))


def test_changed_file_is_noticed_and_an_unchanged_one_is_not_read_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each request the files are looked at, which is cheap, and not read."""
    readings = []
    original = clouds.read
    monkeypatch.setattr(clouds, "read", lambda *args: readings.append(args) or original(*args))
    environ = {"HOME": str(home.parents[1]), "OS_CLOUD": "whole"}
    finder = Finder()
    assert [finder.find(environ).secret for _ in range(3)] == ["hunter22"] * 3
    assert len(readings) == 1
    (home / "clouds.yaml").write_text(CLOUDS.replace("hunter22", "changed"))
    assert finder.find(environ).secret == "changed"
    environ["OS_CLOUD"] = "open"
    assert finder.find(environ).missing_password


@pytest.mark.slow
def test_the_rest_of_the_sdk_is_left_alone(home: Path) -> None:
    """A fresh process imports its configuration only, and a user's later import finds the whole of it."""
    code = f"""
import sys
from storlet_shell.identity import clouds
assert clouds.read("whole", {{"HOME": {str(home.parents[1])!r}}}, {{}}).secret == "hunter22"
assert not [name for name in sys.modules if name.split(".")[0] == "openstack"]
import openstack
assert openstack.connection.Connection and openstack.config.OpenStackConfig
assert clouds.read("whole", {{"HOME": {str(home.parents[1])!r}}}, {{}}).secret == "hunter22"
assert sys.modules["openstack"] is openstack
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
