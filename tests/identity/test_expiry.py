"""Tokens that expire: a real Keystone refuses them, and a session continues with a new one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import msgpack
import pytest
from cryptography.fernet import Fernet

from storlet_shell.identity.keystone_login import KeystoneLogin
from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry
from storlet_shell.wire.requests import Request
from tests.support.keystone import KeystoneSwift
from tests.support.lines import Runner
from tests.support.storlets import storlet

pytestmark = pytest.mark.slow

HOURS = 2 * 3600
COUNT = 12
NOTED = storlet(
    """
    self.logger.info("one run")
    target.set_metadata({})
    target.write(source.read())
    target.close()
    source.close()
    """
)


def aged(keystone: KeystoneSwift, token: str) -> str:
    """Return a token as Keystone made it two hours ago: for the same user and project, for an hour."""
    keys = keystone.running.folder / "keystone/token-keys"
    key = max(keys.iterdir(), key=lambda path: int(path.name)).read_text()
    sealed = Fernet(key)
    text = token.encode() + b"=" * (-len(token) % 4)
    held = msgpack.unpackb(sealed.decrypt(text), raw=True, strict_map_key=False)
    (expires,) = [each for each in held if isinstance(each, float)]
    older = msgpack.packb([expires - HOURS if each is expires else each for each in held], use_bin_type=False)
    return sealed.encrypt_at_time(older, int(time.time()) - HOURS).rstrip(b"=").decode()


@pytest.fixture
def session(keystone_swift: KeystoneSwift) -> Iterator[Session]:
    """Open a session that has logged in."""
    with Session(Surroundings(keystone_swift.environment())) as opened:
        opened.client.send(Request("HEAD")).close()
        yield opened


@pytest.fixture
def objects(run_keystone: Runner, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Make a container with some objects, and deploy a storlet that logs each run; return their names."""
    name = f"x{secrets.token_hex(4)}"
    folder = tmp_path_factory.mktemp("expiry")
    (folder / f"{name}.py").write_text(NOTED)
    (folder / "objects").mkdir()
    for number in range(COUNT):
        (folder / "objects" / f"o{number}").write_text("text")
    for words in (["mkdir", name], ["upload", f"{folder}/objects", name], ["deploy", f"{folder}/{name}.py"]):
        outcome = run_keystone(*words)
        assert outcome.status == 0, outcome.err
    return name, f"{name}.py"


def expire(keystone: KeystoneSwift, session: Session) -> str:
    """Let the session's token have expired, which the session does not know, as when its clock is slow."""
    login = session.client.login
    assert isinstance(login._issuer, KeystoneLogin)
    old = login._issuer._plugin.auth_ref._auth_token = aged(keystone, login.token())
    assert login.token() == old
    return old


def test_token_that_has_expired_in_a_session_is_renewed_once(
    keystone_swift: KeystoneSwift, session: Session, objects: tuple[str, str], run_keystone: Runner
) -> None:
    """The line goes on as if nothing were, and so do those after it; the storlet runs once for each."""
    container, name = objects
    old, before = expire(keystone_swift, session), keystone_swift.logins()
    for _ in range(2):
        result = Registry().get("get").call([f"{container}/o1", "--storlet", name]).run(session)
        assert b"".join(result.iter_content()) == b"text"
    assert keystone_swift.logins() == before + 1
    assert session.client.login.token() != old
    assert run_keystone("logs", name).text.count("one run") == 2


def test_token_that_expires_amid_a_batch_is_renewed_once(
    keystone_swift: KeystoneSwift, session: Session, objects: tuple[str, str], run_keystone: Runner
) -> None:
    """For all that is under way; every object is done, and once."""
    container, name = objects
    words = ["--storlet", name, "--input", f"path:/{container}/*", "-j", "4"]
    batch = Registry().get("map").call(words).run(session)
    rows = batch.rows()
    done = [next(rows)]
    expire(keystone_swift, session)
    before = keystone_swift.logins()
    done += rows
    assert (len(done), batch.problem) == (COUNT, None)
    assert keystone_swift.logins() == before + 1
    assert run_keystone("logs", name).text.count("one run") == COUNT
