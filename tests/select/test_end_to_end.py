"""``select`` over the real Swift, in short; tests/commands/test_select.py has the rest."""

from __future__ import annotations

from tests.support.lines import Runner, one_line


def test_query_runs_over_several_objects(selecting: Runner, container: str) -> None:
    """Their groups are merged."""
    for name, degrees in (("a", 10), ("b", 20)):
        selecting("upload", f"{container}/{name}.csv", stdin=f"sky,degrees\nfog,{degrees}\nrain,007\n".encode())
    outcome = selecting("select", "SELECT sky, avg(degrees), degrees FROM o GROUP BY 1, 3", f"{container}/*.csv")
    assert outcome.text == "fog   10.0   10\nfog   20.0   20\nrain   7.0  007\n", outcome.err
    assert "2 objects, 4 rows, " in one_line(outcome)


def test_storlet_must_be_deployed(selecting: Runner, container: str) -> None:
    """The error says which line deploys it."""
    selecting("upload", f"{container}/a", stdin=b"x\n1\n")
    selecting("copy", "storlet/std_select.py", f"{container}/kept")
    selecting("undeploy", "-y", "std_select.py")
    try:
        outcome = selecting("select", "SELECT x FROM o", f"{container}/a")
    finally:
        selecting("copy", f"{container}/kept", "storlet/std_select.py")
    assert outcome.status == 4
    assert "std_select.py isn't deployed; deploy it: deploy std:select" in one_line(outcome)
