"""Swift's own S3 API, and the rules for storlets in its requests.

``s3api`` translates S3 requests to Swift requests with the same headers, so ``X-Run-Storlet`` runs a storlet here, too.
But it doesn't know storlets: it would accept the header from anyone who holds a presigned URL, run the storlet over
each part of a multipart upload, and report failures as its own. So:

:class:`S3Api` refuses a storlet that the signature doesn't cover, or that the operation can't run. It also refuses
operations that s3api doesn't know, whether they name a storlet or not;
:class:`StorletErrors`, between it and the rest of the pipeline, turns failures of storlets into S3 errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import md5
from typing import Any
from urllib.parse import unquote

from swift.common.middleware import app_property
from swift.common.middleware.s3api import s3api
from swift.common.middleware.s3api.controllers import BucketController, ObjectController
from swift.common.middleware.s3api.exception import S3InputError
from swift.common.middleware.s3api.s3response import (
    AccessDenied,
    ErrorResponse,
    InvalidRequest,
    S3NotImplemented,
    ServiceUnavailable,
)
from swift.common.swob import HTTPUnauthorized, Range, wsgi_to_str
from swift.common.utils import InputProxy, close_if_possible, closing_if_possible
from swift.common.wsgi import WSGIContext

from storlet_shell.embedded.middleware.cache import WSGI
from storlet_shell.embedded.middleware.guard import ON_PROXY, RUN, pointers
from storlet_shell.text import printable
from storlet_shell.wire.headers import FAILURE, PARAMETER

_SOURCE = "S3"  # s3api's mark on its Swift requests
_RUNNING = ("GET", "PUT")

# Prefixes of parameters that change an operation's response or sign it. They name no operation, even if they are empty.
_OPTIONS = ("response-", "x-", "X-", "versionId")

# Kinds of failures after which another attempt may succeed. S3 clients repeat a request after 503, but not after 400.
_PASSING = ("busy", "engine")


class StorletFailed(ErrorResponse):
    """A storlet failed; S3 answers 400 for code that runs on its side, too (``LambdaRuntimeError``)."""

    _status = "400 Bad Request"


class InsufficientStorage(ErrorResponse):
    """The disk is full."""

    _status = "507 Insufficient Storage"


class S3Api(s3api.S3ApiMiddleware):
    """Swift's filter, which also checks requests that run a storlet."""

    def handle_request(self, req: Any) -> Any:
        """Answer an S3 request.

        :param req: s3api's ``S3Request``
        """
        _require_known_operation(req)
        names = [name.removeprefix("HTTP_").replace("_", "-").lower() for name in pointers(req.environ)]
        if names:
            _require_signature(req, names)
            _require_operation(req)
            _require_storlet(req)
            _check_range(req)
            _check_upload(req)
        return super().handle_request(req)


def _require_known_operation(req: Any) -> None:
    """Refuse operations that s3api would mistake for those without a parameter (``s3request.py: controller``).

    PutObjectRetention (``?retention``) would replace the object with the request's XML, RenameObject would empty it,
    and DeleteBucketLifecycle would delete the bucket. Reading a bucket's settings is harmless: it lists the objects.
    PutObject would replace the object even if it is to append to it.
    """
    if "X-Amz-Write-Offset-Bytes" in req.headers:
        raise S3NotImplemented("Appending to an object is not implemented.")
    changes_bucket = req.controller is BucketController and req.method not in ("GET", "HEAD")
    if req.controller is ObjectController or changes_bucket:
        # A parameter without a value names the operation.
        names = sorted(name for name, value in req.params.items() if not value and not name.startswith(_OPTIONS))
        if names:
            raise S3NotImplemented(f"The operation ?{names[0]} is not implemented.")


def _require_signature(req: Any, names: list[str]) -> None:
    """Check that the signature covers headers, as s3api does for those of S3 (``s3request.py: _headers_to_sign``).

    Signature version 2 covers no headers but S3's own.
    """
    signed = getattr(req, "_signed_headers", ())
    unsigned = [name for name in names if name not in signed]
    if unsigned:
        text = f"These headers must be signed, by signature version 4: {', '.join(unsigned)}"
        raise AccessDenied(text, headers_not_signed=", ".join(unsigned))


def _require_operation(req: Any) -> None:
    """Check that a storlet can run in this operation."""
    if req.controller is not ObjectController or req.method not in _RUNNING or "partNumber" in req.params:
        raise InvalidRequest(
            "A storlet runs in GetObject, PutObject, and CopyObject only; complete a multipart upload without one, "
            "then get or copy the object through it"
        )
    source = req.headers.get("X-Amz-Copy-Source")
    if source and req.headers.get("X-Amz-Metadata-Directive") == "REPLACE":
        raise InvalidRequest("A storlet sets the metadata of the copy; leave out the metadata directive REPLACE")
    if source and "?" in source:
        raise InvalidRequest("A storlet can't copy a version by its ID; get the version through the storlet instead")


def _require_storlet(req: Any) -> None:
    """Check that the headers name a storlet, and that its parameters can be read."""
    if not req.headers.get("X-Run-Storlet"):
        raise InvalidRequest("X-Run-Storlet must name a storlet")
    # The middleware splits each without a check, after unquoting (handlers/base.py).
    unclear = [name for name, value in req.headers.items() if name.startswith(PARAMETER) and ":" not in unquote(value)]
    if unclear:
        raise InvalidRequest(f"{unclear[0]} must have the form NAME:VALUE")


def _check_range(req: Any) -> None:
    """Check a range, and have the storlet run on the proxy.

    An object server answers 500 to ``bytes=5-`` and ignores the range in ``bytes=-5`` (storlets ``handlers/obj.py``).
    The range of an upload is always ignored, and so is that of a copy on the proxy (``handlers/proxy.py``).
    """
    if "X-Storlet-Range" in req.headers:
        if req.method != "GET":
            raise InvalidRequest("A storlet can read a range only in GetObject; leave out X-Storlet-Range")
        try:
            Range(req.headers["X-Storlet-Range"])
        except ValueError:
            raise InvalidRequest("X-Storlet-Range must be a range of bytes, such as bytes=0-99") from None
        req.environ[ON_PROXY] = ""


def _check_upload(req: Any) -> None:
    """Check an upload's Content-MD5 as it is read; s3api would compare it with the stored result."""
    if req.method == "PUT" and "Content-MD5" in req.headers and req.content_length is not None:
        req._install_checksumming_input_wrapper(md5(usedforsecurity=False), "Content-MD5", req.headers)
        del req.headers["ETag"]


class _Upload(InputProxy):
    """An upload that fails with an ordinary exception, which the engine reports as a broken input.

    s3api's exceptions for damaged uploads derive from ``BaseException``, so that nothing but s3api catches them. They
    would end the green thread that feeds the storlet, which would take that for the end of its input.
    """

    error: S3InputError | None = None

    def read(self, *arguments: int) -> bytes:
        """Read like s3api's input.

        :raises OSError: if the upload is damaged
        """
        try:
            data: bytes = self.wsgi_input.read(*arguments)
        except S3InputError as error:
            self.error = error
            raise OSError(f"the upload is damaged ({type(error).__name__})") from error
        return data


class StorletErrors:
    """The filter between s3api and the rest of the pipeline."""

    # As in each of s3api's own filters: where it asks for containers.
    _pipeline_final_app = app_property("_pipeline_final_app")
    _pipeline_request_logging_app = app_property("_pipeline_request_logging_app")

    def __init__(self, app: WSGI) -> None:
        self.app = app

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a Swift request of s3api, or pass any other on.

        :raises ErrorResponse: if a storlet failed; s3api sends it
        :raises S3InputError: if a storlet's input is damaged; s3api explains it
        """
        if env.get("swift.source") != _SOURCE:
            return self.app(env, start_response)
        if env["REQUEST_METHOD"] not in _RUNNING:
            for name in pointers(env):  # the HEAD for the source of a copy
                del env[name]
        storlet = wsgi_to_str(env.get(RUN, ""))  # the storlets middleware removes it when it stores a result
        upload = _Upload(env["wsgi.input"])
        if storlet:
            env["wsgi.input"] = upload
        context = WSGIContext(self.app)
        body: Iterable[bytes] = context._app_call(env)
        if not env.get("HTTP_X_USER_NAME"):
            env.pop("HTTP_X_USER_NAME", None)  # added by guard; s3api would take this for Keystone's
        if upload.error is not None:
            close_if_possible(body)
            raise upload.error
        if storlet and not env.get("REMOTE_USER"):
            # The signature is wrong, whatever the storlets middleware says, which looks at the account first.
            close_if_possible(body)
            refusal: Iterable[bytes] = HTTPUnauthorized()(env, start_response)
            return refusal
        _raise_error(context, body, storlet)
        headers = context._response_headers
        if storlet and env["REQUEST_METHOD"] == "GET":
            # S3 clients compare the ETag with the body; this one is the source's.
            headers = [header for header in headers if header[0].lower() != "etag"]
        start_response(context._response_status, headers, context._response_exc_info)
        return body


def _raise_error(context: WSGIContext, body: Iterable[bytes], storlet: str) -> None:
    """Raise an S3 error for the response to an authenticated user, unless s3api has its own error for it.

    :param storlet: its name; empty if the request runs none
    """
    status, kind = context._get_status_int(), context._response_header_value(FAILURE)
    is_refused = status == 401 and storlet  # only the storlets middleware still answers that
    if not (kind or is_refused or status == 507):
        return
    with closing_if_possible(body):
        text = printable(b"".join(body).decode(errors="replace").strip())
    if is_refused:
        raise AccessDenied(text)
    if status == 507:
        raise InsufficientStorage(text)
    error = ServiceUnavailable if kind in _PASSING else StorletFailed
    raise error(text, storlet=printable(storlet), failure=kind)


def filter_factory(global_conf: dict[str, str], **local_conf: str) -> Callable[[WSGI], S3Api]:
    """Return the factory of this filter, for paste; its options are s3api's."""
    s3api.filter_factory(global_conf, **local_conf)  # registers it in /info, and the headers to hide in the proxy's log
    options = {**global_conf, **local_conf}
    return lambda app: S3Api(s3api.ListingEtagMiddleware(StorletErrors(app)), options)
