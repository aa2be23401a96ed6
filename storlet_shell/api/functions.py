"""Functions as storlets, for Python programs and notebooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from storlet_shell.api import checks, reading
from storlet_shell.api.options import BatchOptions
from storlet_shell.batches.report import Rows
from storlet_shell.batches.rows.row import Row
from storlet_shell.deployments import rehearsal
from storlet_shell.deployments.deploy import Deployed
from storlet_shell.deployments.package import Package, function_package
from storlet_shell.errors import UsageError
from storlet_shell.results import Response
from storlet_shell.storlets.functions.collect import check_definition, collect
from storlet_shell.storlets.functions.live import LiveFunction
from storlet_shell.storlets.functions.signature import Signature
from storlet_shell.storlets.trial import Trial
from storlet_shell.values import ObjectPath, StorletName

if TYPE_CHECKING:
    from storlet_shell.api.store import Store
    from storlet_shell.deployments.packages.archive import Archive

_P = ParamSpec("_P")
_R = TypeVar("_R")


def storlet(function: Callable[_P, _R]) -> Storlet[_P, _R]:
    """Make a storlet of a function: a decorator.

    The annotation of the first parameter says what the function reads; the other parameters are the storlet's. What it
    returns or yields is the result.

    :raises UsageError: if the function isn't fit for a storlet, or its source isn't available
    """
    return Storlet(function)


class Storlet(Generic[_P, _R]):
    """A function that is a storlet, returned by :func:`storlet_shell.storlet`. Called, it runs here, as any function.

    The other methods run it in a store, and first deploy it there if its source differs from what is deployed; the
    store's observer gets a warning about that. Several threads may use it.
    """

    __name__: str

    def __init__(self, function: Callable[_P, _R]) -> None:
        self._live = LiveFunction(function)
        self._signature = check_definition(self._live.unit, self._live.node)
        self._deployed: WeakKeyDictionary[Store, bytes] = WeakKeyDictionary()
        self._dependencies: WeakKeyDictionary[Store, tuple[str, ...]] = WeakKeyDictionary()
        self._archive: Archive | None = None
        self._lock = threading.Lock()
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run the function here."""
        return self._function(*args, **kwargs)

    @property
    def name(self) -> str:
        """The name of the deployed storlet: the function's, with ``.py``."""
        return f"{self._signature.function}.py"

    @property
    def signature(self) -> Signature:
        """What it reads, its parameters with their types and defaults, and its result, all as text."""
        return self._signature

    def source(self) -> str:
        """Return the code that is deployed: the function, what it uses, and an adapter.

        :raises UsageError: if it uses what can't be shipped, or its file has changed since it was imported
        """
        return self.package().code.decode()

    def package(self, *, force: bool = False) -> Package:
        """Return what is deployed; errors as for :meth:`source`.

        :param force: accept undefined names
        """
        return self._own_package(force=force).with_archive(self._archive)

    def _own_package(self, *, force: bool = False) -> Package:
        """Return what is deployed, without the packages that it requires."""
        self._live.check_is_current()
        collection = collect(self._live.unit, self._live.node, self._live, force=force)
        return function_package(StorletName.parse(self.name), collection, self.name)

    def get(
        self, store: Store, path: str | ObjectPath | Iterable[str | ObjectPath], /, **parameters: object
    ) -> Response:
        """Run it over an object in a store, and return its result. The body streams: read it, or close the response.

        :param path: the object; a list of objects for a function that reads several
        :raises UsageError: if a parameter is unknown, missing or unfit, or the function can't be shipped
        :raises NotFoundError: if the object doesn't exist
        :raises StorletFailedError: if it fails; raised while the body is read if it fails midway
        """
        paths = [path] if isinstance(path, str | ObjectPath) else list(checks.several(path, "path", "objects' paths"))
        if not paths:
            raise UsageError("path must be at least one object's path")
        texts = self._ready(store, parameters)
        return store.get(paths[0], storlet=self.name, params=texts, extra=paths[1:])

    def map(self, store: Store, pattern: str, options: BatchOptions | None = None, /, **parameters: object) -> Rows:
        """Run it over many objects, as :meth:`Store.map` does.

        :param pattern: ``CONTAINER/PATTERN``
        :param options: the options of the batch
        """
        texts = self._ready(store, parameters)
        return store.map(self.name, pattern, params=texts, **(options or {}))

    def imap(
        self, store: Store, pattern: str, options: BatchOptions | None = None, /, **parameters: object
    ) -> Iterator[Row]:
        """Run it over many objects, as :meth:`Store.imap` does; it is deployed at once.

        :param pattern: ``CONTAINER/PATTERN``
        :param options: the options of the batch
        """
        texts = self._ready(store, parameters)
        return store.imap(self.name, pattern, params=texts, **(options or {}))

    def test(self, file: str | Path, /, **parameters: object) -> Trial:
        """Run it on this machine as an engine would: the deployed code, in a process of its own, over a local file.

        :raises UsageError: if a parameter is unknown, missing or unfit, or the function can't be shipped
        :raises NotFoundError: if the file doesn't exist
        :raises StorletFailedError: if it fails; its ``details`` are the log and the traceback
        """
        source = rehearsal.local_input(str(checks.local_path(file, "file")))
        texts = self._signature.encode(parameters)
        return rehearsal.try_out(self.package(), source, reading.parameters(texts))

    def require(
        self,
        packages: Iterable[str] = (),
        *,
        requirements: str | Path | None = None,
        provided: Iterable[str] = (),
        unpack: bool = False,
    ) -> None:
        """Resolve packages that it imports; from now on, it is tested and deployed with them, and with no others.

        The parameters and errors are those of :meth:`Store.deploy`. A native package isn't refused if this Python has
        it, since the embedded Swift has the same.
        """
        wanted = reading.wanted(packages, requirements, provided, unpack=unpack)
        with self._lock:
            self._archive = self._own_package().with_packages(wanted, lambda: True).archive

    def deploy(
        self,
        store: Store,
        /,
        *,
        dependencies: Iterable[str | Path] = (),
        packages: Iterable[str] = (),
        requirements: str | Path | None = None,
        provided: Iterable[str] = (),
        unpack: bool = False,
    ) -> Deployed:
        """Deploy it to a store, unless the same code is deployed there.

        :param dependencies: local files to upload, and names of dependencies that are already deployed; later
            deployments of this function keep them, also in other processes. Without any, it keeps those that it has
        :param packages: packages that it imports; these, and the following parameters, are those of
            :meth:`Store.deploy`. Later deployments keep them as they keep dependencies, and so do later tests
        :raises UsageError: if it uses what can't be shipped, or a package can't be deployed
        :raises NotFoundError: if a file, a package or a dependency doesn't exist, or the account isn't enabled for
            storlets
        """
        names = tuple(map(str, checks.several(dependencies, "dependencies", "local files and names")))
        wanted = reading.wanted(packages, requirements, provided, unpack=unpack)
        with self._lock:
            if wanted is not None:
                self._archive = self._own_package().with_packages(wanted, store._is_embedded).archive
            if names:
                self._dependencies[store] = names
            deployed = self._ensure_deployed(store, is_explicit=True)
        assert deployed is not None
        return deployed

    def _ready(self, store: Store, parameters: dict[str, object]) -> dict[str, str]:
        """Check parameters, and deploy the function if its source differs from what is deployed."""
        texts = self._signature.encode(parameters)
        with self._lock:
            before = self._deployed.get(store)
            deployed = self._ensure_deployed(store)
            reason = "it had been replaced" if before == self._deployed[store] else "its source has changed"
        if deployed is not None and deployed.is_changed:
            store._warn(f"deployed {self.name}" + ("" if deployed.is_new else f" ({reason})"))
        return texts

    def _ensure_deployed(self, store: Store, *, is_explicit: bool = False) -> Deployed | None:
        package, names = self.package(), self._dependencies.get(store, ())
        deployed = store._ensure_deployed(package.with_dependencies(names), not names, is_explicit=is_explicit)
        self._deployed[store] = package.code
        return deployed

    def __reduce__(self) -> str:
        """Pickle it by its name, as functions are."""
        return self._live.function.__qualname__

    def __repr__(self) -> str:
        return f"<Storlet {self._signature}>"
