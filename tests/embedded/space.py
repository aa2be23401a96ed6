"""What the filter for lack of space refuses, as a program of its own: ``python -m tests.embedded.space``.

In a test's process, eventlet would warn at every later fork.
"""

from __future__ import annotations

from storlet_shell.embedded.middleware.space import filter_factory


def too_large_metadata_is_refused_with_the_reason() -> None:
    """Check that a long path may leave too little room for metadata within Swift's limits."""
    statuses = []

    def app(_environ: object, _start_response: object) -> list[bytes]:
        statuses.append("stored")
        return []

    space = filter_factory({}, metadata_bytes="1500")(app)
    for path in ("/v1/a/c/o", "/v1/a/c/" + "o" * 1000):
        environ = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "HTTP_X_OBJECT_META_A": "v" * 200}
        body = b"".join(space(environ, lambda status, _headers, *_: statuses.append(status)))
    assert statuses == ["stored", "400 Bad Request"]
    assert b"stores 1500 for an object" in body


if __name__ == "__main__":
    too_large_metadata_is_refused_with_the_reason()
