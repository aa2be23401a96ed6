"""Connecting: which identity is used, what is refused and logged, and the errors of a closed store."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from storlet_shell import Store, connect
from storlet_shell.embedded import control
from storlet_shell.errors import IdentityError, UsageError
from tests.api.recording import Recording


def test_environment_says_whose(swift: control.Running, identity: dict[str, str]) -> None:
    """Without arguments, as for a command."""
    with connect(environ=identity) as store:
        assert store.account == swift.account
        assert swift.account in repr(store)


def test_process_environment_is_the_default(identity: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A store keeps the identity that it was made with, whatever becomes of the environment."""
    for name, value in identity.items():
        monkeypatch.setenv(name, value)
    with connect() as store:
        monkeypatch.setenv("ST_KEY", "another")
        assert store.exists("")


@pytest.mark.slow
def test_embedded_swift_is_started_and_ended(tmp_path: Path) -> None:
    """With ``local`` and ``ephemeral``, as by ``--local --ephemeral``; it is gone when the store is closed."""
    with connect(local=True, ephemeral=True, environ={"HOME": str(tmp_path)}) as store:
        assert {entry.name for entry in store.list()} >= {"storlet", "dependency"}
    with pytest.raises(UsageError, match="closed"):
        store.head()


def test_cloud_is_found_in_a_file(tmp_path: Path, identity: dict[str, str]) -> None:
    """By its name; a variable names the file."""
    file = tmp_path / "clouds.yaml"
    auth = f"{{auth_url: {identity['ST_AUTH']}, username: {identity['ST_USER']}, password: {identity['ST_KEY']}}}"
    file.write_text(f"clouds: {{mine: {{auth_type: v1password, auth: {auth}}}}}")
    with connect("mine", environ={"OS_CLIENT_CONFIG_FILE": str(file)}) as store:
        assert store.exists("")
    with pytest.raises(IdentityError, match="yours"):
        connect("yours", environ={"OS_CLIENT_CONFIG_FILE": str(file)}).head()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cloud": "c", "local": True}, "cloud, local and session are mutually exclusive"),
        ({"local": True, "session": object()}, "cloud, local and session are mutually exclusive"),
        ({"ephemeral": True}, "ephemeral requires local"),
        ({"cloud": ""}, "the name of a cloud in clouds.yaml, not ''"),
        ({"cloud": 5}, "the name of a cloud in clouds.yaml, not 5"),
        ({"environ": [1]}, "environ must be a mapping of variables, not list"),
        ({"timeout": 0}, "a positive number of seconds, not 0"),
        ({"timeout": "5"}, "a positive number of seconds, not '5'"),
    ],
)
def test_contradiction_is_refused(arguments: dict[str, object], message: str) -> None:
    """Fail before anything is requested or started."""
    with pytest.raises(UsageError, match=message):
        connect(**{"environ": {}, **arguments})  # type: ignore[arg-type]


def test_missing_identity_is_told_when_connecting() -> None:
    """Not when the first request is made; nobody is asked for a password."""
    with pytest.raises(IdentityError):
        connect(environ={})
    with pytest.raises(IdentityError, match="OS_PASSWORD"):
        connect(environ={"OS_AUTH_URL": "http://127.0.0.1:1/v3", "OS_USERNAME": "u", "OS_PROJECT_NAME": "p"})


def test_refused_identity_is_told_by_the_first_request(identity: dict[str, str]) -> None:
    """The error has the right class."""
    with connect(environ={**identity, "ST_KEY": "wrong"}) as store, pytest.raises(IdentityError) as refusal:
        store.head()
    assert "wrong" not in str(refusal.value)


def test_closed_store_stays_closed(store: Store) -> None:
    """Closing twice is allowed; a running iterator ends."""
    entries = store.list()
    next(entries)
    store.close()
    store.close()
    assert list(entries)
    for use in (lambda: store.account, store.head, lambda: list(store.list())):
        with pytest.raises(UsageError, match="the store is closed; connect again"):
            use()


def test_requests_are_logged_without_secrets(
    identity: dict[str, str], caplog: pytest.LogCaptureFixture, here: str
) -> None:
    """To ``storlet_shell``, at DEBUG: method and URL; neither the password nor the token."""
    with caplog.at_level(logging.DEBUG), connect(environ=identity) as store:
        assert store.head(f"{here}/o").size == 12
        with store._clients.lent() as client:
            token = client.login.token()
    lines = [record.getMessage() for record in caplog.records if record.name == "storlet_shell"]
    assert [line for line in lines if line.startswith("HEAD ") and line.endswith(f"/{here}/o")]
    assert token
    assert identity["ST_KEY"] not in caplog.text
    assert token not in caplog.text


def test_warnings_are_logged_and_observed(
    store: Store, observer: Recording, caplog: pytest.LogCaptureFixture, here: str
) -> None:
    """Under the same logger, at WARNING, and by the observer."""
    with caplog.at_level(logging.WARNING):
        store.grant(here, "tester", storlet="upper.py")
    assert any("tempauth" in warning for warning in observer.warnings)
    logged = [record.getMessage() for record in caplog.records if record.name == "storlet_shell"]
    assert logged == observer.warnings


def test_nothing_is_printed(store: Store, here: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Print neither warnings without configured logging, nor progress."""
    store.grant(here, "tester", storlet="upper.py")
    assert store.put(b"x" * 100_000, f"{here}/large", storlet="upper.py")
    assert store.get(f"{here}/large").content == b"X" * 100_000
    assert capfd.readouterr() == ("", "")
