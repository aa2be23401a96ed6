"""Deploy a storlet, run it over many objects, and print the results.

It logs in like a command: ``storlet-shell local start``, then ``STORLET_SHELL_LOCAL=1 python examples/script.py``.
"""

import sys
from pathlib import Path

from storlet_shell import connect
from storlet_shell.errors import StorletShellError

CODE = Path(__file__).parent / "storlets" / "upper.py"


def main() -> None:
    """Run everything in a container that is deleted at the end."""
    with connect() as store:
        store.make_container("script-example")
        try:
            for name in ("one", "two", "three"):
                store.put(f"{name}\n".encode(), f"script-example/{name}.txt")
            store.deploy(CODE.read_bytes(), name="script_example.Upper")
            rows = store.map("script_example.py", "script-example/*.txt")
            rows.raise_for_failed()
            for row in sorted(rows, key=lambda row: row.name):
                sys.stdout.write(f"{row.name} {row.content.decode().strip()}\n")
        finally:
            store.delete("script-example", recursive=True)
            if any(row.name == "script_example.py" for row in store.storlets()):
                store.undeploy("script_example.py")


if __name__ == "__main__":
    try:
        main()
    except StorletShellError as error:
        sys.exit(f"{Path(__file__).name}: {error}")
