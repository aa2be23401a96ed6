"""New clouds: what is written to clouds.yaml and secure.yaml, and what it leaves alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from storlet_shell.errors import IdentityError, UsageError
from storlet_shell.identity import new_cloud
from storlet_shell.identity.new_cloud import NewCloud, Places

CLOUD = NewCloud("new", "https://keystone.example:5000/v3", "zoë: #1", "p", "Default", "Default", "north")
TEMPAUTH = NewCloud("new", "http://swift.example:8080/auth/v1.0", "a:u")
PASSWORD = "\"p'a: #s\\s{\u2028 \x85𝄞 yes"

EXTENDABLE = {
    "empty": "",
    "comment": "# mine\n",
    "no clouds": "cache:\n  class: dogpile.cache.memory\n",
    "null": "clouds:\n",
    "one": "clouds:\n  old:\n    auth: {auth_url: http://h}\n",
    "indented by four": "clouds:\n    old:\n        auth:\n            auth_url: 'x'\n    # the end\n",
    "not the last key": "# head\nclouds:\n  old:\n    regions:\n    - a\n    - b\n\n# about it\ncache:\n  x: 1\n",
    "no line end": "clouds:\n  old:\n    region_name: a",
    "block text at the end": "clouds:\n  old:\n    profile: |\n      a\n      b\n",
    "empty value at the end": "clouds:\n  old:\n    auth:\n",
    "document marks": "---\nclouds:\n  old: {}\n",
    "anchors": "base: &base\n  region_name: a\nclouds:\n  old:\n    <<: *base\n",
    "line ends of Windows": "clouds:\r\n  old:\r\n    region_name: a\r\n",
}

NOT_EXTENDABLE = {
    "flow style": "clouds: {old: {region_name: a}}\n",
    "end of document": "clouds:\n...\n",
    "an anchor": "clouds: &c\n  old: {}\nother: *c\n",
}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Name two files that don't exist yet."""
    return Places(tmp_path / "openstack/clouds.yaml", tmp_path / "openstack/secure.yaml")


def fill(places: Places, text: str, secure: str = "") -> None:
    """Write the files."""
    places.clouds.parent.mkdir()
    places.clouds.write_bytes(text.encode())
    if secure:
        places.secure.write_text(secure)


@pytest.mark.parametrize("text", EXTENDABLE.values(), ids=EXTENDABLE)
@pytest.mark.parametrize("cloud", [CLOUD, TEMPAUTH], ids=["keystone", "tempauth"])
def test_cloud_is_added_and_every_other_line_stays(places: Places, text: str, cloud: NewCloud) -> None:
    """YAML reads what was added as it was meant, and all the rest as before."""
    fill(places, text)
    new_cloud.add(cloud, PASSWORD, places)
    after = places.clouds.read_bytes().decode()
    before = yaml.safe_load(text) or {}
    assert yaml.safe_load(after) == {**before, "clouds": {**(before.get("clouds") or {}), "new": cloud.settings()}}
    rest = after.splitlines()
    for line in text.splitlines():
        rest = rest[rest.index(line) + 1 :]
    assert yaml.safe_load(places.secure.read_text()) == {"clouds": {"new": {"auth": {"password": PASSWORD}}}}


@pytest.mark.parametrize("text", NOT_EXTENDABLE.values(), ids=NOT_EXTENDABLE)
@pytest.mark.parametrize("is_secure", [False, True])
def test_file_that_would_have_to_be_rewritten_is_left_alone(places: Places, text: str, *, is_secure: bool) -> None:
    """The error has the lines to add by hand, without the password; the other file isn't changed either."""
    fill(places, "" if is_secure else text, text if is_secure else "clouds: {}\n" if "other" in text else "# mine\n")
    before = places.clouds.read_bytes(), places.secure.read_bytes()
    with pytest.raises(UsageError, match="by hand") as caught:
        new_cloud.add(CLOUD, PASSWORD, places)
    assert "  new:\n    auth:\n" in caught.value.details
    assert PASSWORD not in caught.value.details
    assert (places.clouds.read_bytes(), places.secure.read_bytes()) == before


@pytest.mark.parametrize("file", ["clouds", "secure"])
def test_known_name_is_refused(places: Places, file: str) -> None:
    """In either file."""
    text = "clouds:\n  new:\n    region_name: a\n"
    fill(places, text if file == "clouds" else "", text if file == "secure" else "")
    with pytest.raises(UsageError, match=f"cloud new is in .*{file}.yaml already"):
        new_cloud.add(CLOUD, PASSWORD, places)


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "clouds:\n- 1\n", "\tx: 1"])
def test_damaged_file_is_left_alone(places: Places, text: str) -> None:
    """The error quotes nothing of it."""
    fill(places, text)
    with pytest.raises(IdentityError) as caught:
        new_cloud.add(CLOUD, PASSWORD, places)
    assert str(places.clouds) in str(caught.value)
    assert (places.clouds.read_text(), places.secure.exists()) == (text, False)


def test_secrets_are_private_even_in_a_file_that_was_not(places: Places) -> None:
    """A link to it stays a link."""
    fill(places, "", "clouds:\n  old:\n    auth: {password: x}\n")
    target = places.secure.rename(places.secure.with_name("target"))
    target.chmod(0o644)
    places.secure.symlink_to(target)
    new_cloud.add(CLOUD, PASSWORD, places)
    assert places.secure.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_failure_to_write_one_file_restores_the_other(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, for example."""

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(new_cloud, "replacing", full)
    for secure in ("", "clouds:\n  old: {}\n"):
        if secure:
            places.secure.write_text(secure)
        with pytest.raises(OSError, match="No space"):
            new_cloud.add(CLOUD, PASSWORD, places)
        assert (places.secure.read_text() if places.secure.exists() else "") == secure


@pytest.mark.parametrize("name", ["", "a b", "a/b", "-a", "a:", "defaults", "x" * 101])
def test_odd_names_are_refused(places: Places, name: str) -> None:
    """A cloud's name is typed, and stands in YAML."""
    with pytest.raises(UsageError, match="name of a cloud"):
        new_cloud.check_name(name, places)


@pytest.mark.parametrize("name", ["yes", "123", "null", "1.5", "ü"])
def test_names_that_yaml_reads_otherwise_are_quoted(places: Places, name: str) -> None:
    """They are names all the same."""
    new_cloud.add(CLOUD._replace(name=name), PASSWORD, places)
    assert list(yaml.safe_load(places.clouds.read_text())["clouds"]) == [name]


def test_files_are_those_that_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that exists; without any, the user's own."""
    monkeypatch.chdir(tmp_path)
    environ = {"HOME": str(tmp_path / "home")}
    own = tmp_path / "home/.config/openstack"
    assert Places.of(environ) == Places(own / "clouds.yaml", own / "secure.yaml")
    (tmp_path / "clouds.yml").touch()
    assert Places.of(environ) == Places(Path("clouds.yml"), Path("secure.yaml"))
    named = {**environ, "OS_CLIENT_CONFIG_FILE": str(tmp_path / "mine.yaml")}
    assert Places.of(named) == Places(tmp_path / "mine.yaml", own / "secure.yaml")
    with pytest.raises(UsageError, match="JSON"):
        Places.of({**environ, "OS_CLIENT_CONFIG_FILE": "clouds.json"})
