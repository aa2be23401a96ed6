"""docs/json.md matches the declarations of results."""

from __future__ import annotations

import os

from storlet_shell.results.json_schema import results_of, schema_of
from storlet_shell.results.schemas import SCHEMAS
from storlet_shell.results.schemas.acl import AclEntry
from storlet_shell.results.schemas.shared import Answer, Listing
from tests.support.json_page import MARK, rendered
from tests.support.lines import ROOT

PAGE = ROOT / "docs" / "json.md"


def test_page_is_up_to_date() -> None:
    """``UPDATE_JSON=1`` renders it again."""
    text = PAGE.read_text()
    written = text.partition(MARK)[0].rstrip()
    if os.environ.get("UPDATE_JSON"):
        PAGE.write_text(f"{written}\n\n{MARK}\n\n{rendered()}")
    assert PAGE.read_text() == f"{written}\n\n{MARK}\n\n{rendered()}"


def test_schema_names_what_may_be_missing() -> None:
    """And nothing but what is declared may be there."""
    schema = schema_of(Answer)
    assert schema["required"] == ["object", "status", "headers"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["content"] == {"type": "string", "description": "the body, if it is UTF-8"}


def test_generic_rows_are_those_of_the_listing() -> None:
    """As JSON Schema has them; null is one of the types."""
    (row,) = [schema_of(Listing[AclEntry])["properties"]["rows"]["items"]]
    assert row["title"] == "AclEntry"
    assert row["properties"]["right"] == {"enum": ["read", "write", "run"]}
    assert row["properties"]["storlet"]["type"] == ["string", "null"]


def test_command_with_actions_has_a_schema_for_each() -> None:
    """And one that declares nothing has none."""
    assert set(results_of("acl") or ()) == {"list", "grant", "revoke"}
    assert results_of("ls") == schema_of(SCHEMAS["ls"])
    assert results_of("no-such-command") is None
