"""Any variables and any clouds.yaml are an identity or an error in one line, without any secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from storlet_shell.errors import IdentityError
from storlet_shell.identity import clouds
from storlet_shell.identity.environment import SECRET_VARIABLES, VARIABLES, discover
from storlet_shell.identity.values import Credentials

SECRET = "s3cret-of-the-test"
VALUES = st.sampled_from(["", "http://127.0.0.1:9/v3", "http://[", "a@b", "demo", "1", "v3password", "v2password", "3"])
GIVEN = st.dictionaries(st.sampled_from(VARIABLES), VALUES, max_size=8).map(
    lambda found: {name: SECRET if name in SECRET_VARIABLES and value else value for name, value in found.items()}
)
SCALARS = st.none() | st.booleans() | st.integers(0, 9) | VALUES
KEYS = st.sampled_from(
    ["auth", "auth_url", "username", "password", "project_name", "profile", "regions", "region_name", "verify", "cert"]
)

pytestmark = pytest.mark.slow
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def check(found: Credentials) -> None:
    """Check that what shows an identity shows no secret."""
    assert SECRET not in repr(found) + found.source + found.missing_password


@given(GIVEN, GIVEN)
def test_any_variables_are_an_identity_or_one_error(environ: dict[str, str], options: dict[str, str]) -> None:
    """Whether they come from the environment or from options."""
    try:
        check(discover(environ, options))
    except IdentityError as error:
        assert len(str(error).splitlines()) == 1
        assert SECRET not in str(error)


@settings(max_examples=settings.default.max_examples // 4)
@given(st.dictionaries(st.sampled_from(["mine", "x"]), TREES, max_size=2) | TREES, GIVEN)
def test_any_cloud_is_an_identity_or_one_error(
    tmp_path_factory: object, layout: object, options: dict[str, str]
) -> None:
    """Whatever its file is made of."""
    folder: Path = tmp_path_factory.mktemp("clouds")  # type: ignore[attr-defined]
    file = folder / "clouds.yaml"
    file.write_text(yaml.safe_dump({"clouds": layout}))
    environ = {"HOME": str(folder), "OS_CLIENT_CONFIG_FILE": str(file), "XDG_CONFIG_DIRS": str(folder)}
    try:
        check(clouds.read("mine", environ, options))
    except IdentityError as error:
        assert len(str(error).splitlines()) == 1
        assert SECRET not in str(error)
