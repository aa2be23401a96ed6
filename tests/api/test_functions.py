"""Functions as storlets in Python programs: called here, run in a store, and deployed when their source has changed."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TextIO

import pytest

from storlet_shell import Store, Storlet, connect, storlet
from storlet_shell.deployments import deploy
from storlet_shell.errors import NotFoundError, StorletFailedError, UsageError
from tests.api.recording import Recording

TODAY = b"city,degrees\nOslo,3\nRome,30\n"
FACTOR = 1.0


def _is_warm(row: dict[str, str], least: float) -> bool:
    return float(row["degrees"]) * FACTOR >= least


@storlet
def warm(rows: Iterator[dict[str, str]], least: float = 20.0) -> Iterator[dict[str, str]]:
    """Keep the warm rows."""
    for row in rows:
        if _is_warm(row, least):
            yield row


@storlet
def joined(texts: list[TextIO], between: str) -> str:
    """Join objects."""
    return between.join(text.read().strip() for text in texts)


@storlet
def fail(data: bytes) -> bytes:
    """Fail."""
    return data + bytes(1 // len(data[:0]))


@pytest.fixture
def weather(store: Store) -> Iterator[Store]:
    """Fill a container; undeploy what is deployed, since other tests have storlets of the same names."""
    store.make_container("functions")
    store.put(TODAY, "functions/today.csv")
    store.put(TODAY.replace(b"Rome,30", b"Rome,10"), "functions/yesterday.csv")
    yield store
    for name in ("warm.py", "size.py", "scale.py", "joined.py"):
        with suppress(NotFoundError):
            store.undeploy(name, with_dependencies=True)


Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return what imports code from a file."""

    def load(code: str) -> ModuleType:
        path = tmp_path / "module_of_a_user.py"
        path.write_text(code)
        spec = importlib.util.spec_from_file_location("module_of_a_user", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        exec(compile(code, str(path), "exec"), module.__dict__)
        return module

    return load


HEAD = "from storlet_shell import storlet\n@storlet\n"


def test_call_runs_it_here() -> None:
    """As the function that it is."""
    assert list(warm(iter([{"degrees": "21"}, {"degrees": "3"}]))) == [{"degrees": "21"}]
    assert (warm.__name__, warm.__doc__, warm.name) == ("warm", "Keep the warm rows.", "warm.py")
    assert repr(warm) == "<Storlet warm(Iterator[dict[str, str]], least: float = 20.0) -> Iterator[dict[str, str]]>"
    assert pickle.loads(pickle.dumps(warm)) is warm


@pytest.mark.slow
def test_remote_call_deploys_what_has_changed(weather: Store, observer: Recording, load: Load) -> None:
    """And says so; what is deployed already isn't again."""
    code = HEAD + "def size(data: bytes) -> int:\n    return len(data)\n"
    size = load(code).size
    assert size.get(weather, "functions/today.csv").content == b"28\n"
    assert observer.warnings == ["deployed size.py"]
    assert size.get(weather, "functions/today.csv").content == b"28\n"
    assert load(code).size.get(weather, "functions/today.csv").content == b"28\n"
    assert observer.warnings == ["deployed size.py"]
    assert load(code.replace("len(data)", "-len(data)")).size.get(weather, "functions/today.csv").content == b"-28\n"
    assert observer.warnings == ["deployed size.py", "deployed size.py (its source has changed)"]


@pytest.mark.slow
def test_functions_of_one_name_do_not_run_for_each_other(weather: Store, observer: Recording, load: Load) -> None:
    """What this process itself deploys or undeploys, such as a function of another module, is noticed at once."""
    size = load(HEAD + "def size(data: bytes) -> int:\n    return len(data)\n").size
    assert size.get(weather, "functions/today.csv").content == b"28\n"
    weather.deploy(size.source().replace("len(data)", "0").encode(), name="size.FunctionStorlet")
    assert size.get(weather, "functions/today.csv").content == b"28\n"
    assert observer.warnings == ["deployed size.py", "deployed size.py (it had been replaced)"]
    weather.undeploy("size.py")
    assert size.get(weather, "functions/today.csv").content == b"28\n"


@pytest.mark.slow
def test_code_of_a_colleague_is_replaced(
    weather: Store, observer: Recording, load: Load, identity: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noticed when it is compared again, some seconds after the last time."""
    size = load(HEAD + "def size(data: bytes) -> int:\n    return len(data)\n").size
    assert size.get(weather, "functions/today.csv").content == b"28\n"
    with connect(environ=identity) as colleagues:
        colleagues.deploy(size.source().replace("len(data)", "0").encode(), name="size.FunctionStorlet")
    monkeypatch.setattr(deploy, "TRUSTED_SECONDS", 0)
    assert size.get(weather, "functions/today.csv").content == b"28\n"
    assert observer.warnings == ["deployed size.py", "deployed size.py (it had been replaced)"]


@pytest.mark.slow
def test_helper_that_has_changed_is_deployed(
    weather: Store, observer: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Constants count with the value that they have now."""
    assert warm.get(weather, "functions/today.csv").content == b"city,degrees\nRome,30\n"
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 10.0)
    assert warm.get(weather, "functions/today.csv").content == TODAY
    assert observer.warnings[-1] == "deployed warm.py (its source has changed)"


def test_map_and_imap_run_it_over_many(weather: Store) -> None:
    """With its parameters, and the batch's options apart from them."""
    rows = warm.map(weather, "functions/*.csv", {"jobs": 1, "ordered": True}, least=20)
    assert [row.content for row in rows] == [b"city,degrees\nRome,30\n", b"city,degrees\n"]
    rows = warm.imap(weather, "functions/*.csv", {"limit": 1}, least=3)
    assert [row.content for row in rows] == [TODAY]


def test_several_inputs_are_a_list(weather: Store) -> None:
    """As the first parameter says."""
    response = joined.get(weather, ["functions/today.csv", "functions/yesterday.csv"], between=" | ")
    assert response.content.count(b" | ") == 1
    with pytest.raises(UsageError, match="path must be at least one object's path"):
        joined.get(weather, [], between="")


def test_parameters_are_checked_before_anything_is_sent(store: Store, observer: Recording) -> None:
    """In each way to run it."""
    for call in (
        lambda: warm.get(store, "functions/today.csv", lest=30),
        lambda: warm.map(store, "functions/*", lest=30),
        lambda: warm.imap(store, "functions/*", lest=30),
        lambda: warm.test(__file__, lest=30),
    ):
        with pytest.raises(UsageError, match=r"parameter lest: warm has no such parameter; did you mean least\?"):
            call()
    assert observer.warnings == []


def test_test_runs_the_deployed_code_here(tmp_path: Path) -> None:
    """Over a local file."""
    (tmp_path / "today.csv").write_bytes(TODAY)
    assert warm.test(tmp_path / "today.csv", least=30).output == b"city,degrees\nRome,30\n"
    with pytest.raises(NotFoundError):
        warm.test(tmp_path / "absent.csv")


def test_failure_shows_the_users_own_lines(tmp_path: Path) -> None:
    """The file and the line of the function, not those of what is deployed."""
    (tmp_path / "in").write_bytes(b"x")
    with pytest.raises(StorletFailedError, match="ZeroDivisionError") as caught:
        fail.test(tmp_path / "in")
    line = next(number for number, line in enumerate(Path(__file__).read_text().splitlines(), 1) if "1 // len" in line)
    assert f'File "test_functions.py", line {line}, in fail' in caught.value.details


def test_deploy_tells_whether_anything_has_changed(weather: Store) -> None:
    """It may be called explicitly, by either's method."""
    weather.deploy(joined)
    assert joined.deploy(weather).is_changed is False
    assert str(joined.deploy(weather).storlet) == "joined.py"
    with pytest.raises(UsageError, match="a function names its storlet itself"):
        weather.deploy(joined, name="other")


@pytest.mark.slow
def test_dependencies_stay_when_it_is_deployed_again(weather: Store, tmp_path: Path, load: Load) -> None:
    """A later call doesn't drop them."""
    (tmp_path / "factor.txt").write_text("3")
    code = HEAD + "def scale(data: bytes) -> str:\n    from pathlib import Path\n"
    scale = load(code + "    return (Path(__file__).parent / 'factor.txt').read_text()\n").scale
    scale.deploy(weather, dependencies=[tmp_path / "factor.txt"])
    assert scale.get(weather, "functions/today.csv").content == b"3"
    (tmp_path / "factor.txt").unlink()
    again = load(code + "    return (Path(__file__).parent / 'factor.txt').read_text()\n").scale  # as in a new process
    assert again.get(weather, "functions/today.csv").content == b"3"
    changed = load(code + "    return 2 * (Path(__file__).parent / 'factor.txt').read_text()\n").scale
    assert changed.get(weather, "functions/today.csv").content == b"33"
    assert changed.deploy(weather).dependencies == ("factor.txt",)


@pytest.mark.slow
def test_threads_share_a_function(weather: Store) -> None:
    """It is deployed once."""
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda _: warm.get(weather, "functions/today.csv", least=30).content, range(8))
    assert set(results) == {b"city,degrees\nRome,30\n"}


def test_edited_file_is_noticed(load: Load, tmp_path: Path) -> None:
    """What is on the disk isn't what runs here."""
    code = HEAD + "def size(data: bytes) -> int:\n    return len(data)\n"
    module = load(code)
    (tmp_path / "module_of_a_user.py").write_text(code.replace("len(data)", "0"))
    for attempt in (module.size.source, lambda: storlet(module.size.__wrapped__)):
        with pytest.raises(UsageError, match=r"size: module_of_a_user\.py has changed since it was imported"):
            attempt()


class _Class:
    def method(self, data: bytes) -> bytes:
        return data


def _closure(text: str) -> Callable[[bytes], str]:
    def inner(data: bytes) -> str:
        return text

    return inner


def _typed() -> object:
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec("def f(data: bytes): return data", namespace)
    return namespace["f"]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda data: data, "a lambda can't be a storlet; use def"),
        (_Class().method, "method: a method can't be a storlet; use a function"),
        (_Class.method, "method: a method can't be a storlet; use a function"),
        (_closure("x"), "inner: uses text of the function around it; make that a parameter"),
        (
            _typed(),
            r"f: its source isn't available \(typed at a Python prompt, or run by exec, -c, %%time\); write it",
        ),
        (_Class(), "a storlet is a function, not _Class"),
        (len, "a storlet is a function, not builtin_function_or_method"),
    ],
)
def test_what_cant_be_a_storlet_is_refused_by_name(function: Callable[..., object], reason: str) -> None:
    """When it is decorated, in one line."""
    with pytest.raises(UsageError, match=reason) as caught:
        Storlet(function)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("async def f(data: bytes): ...", "module_of_a_user.py:3: f is async def"),
        ("def f(data): ...", "module_of_a_user.py:3: f: data, its input, has no annotation"),
        ("def f(data: bytes, *rest): ...", r"module_of_a_user.py:3: f: can't have \*rest"),
    ],
)
def test_unfit_definition_is_refused_where_it_stands(load: Load, head: str, reason: str) -> None:
    """The user's own line is named."""
    with pytest.raises(UsageError, match=reason):
        load(HEAD + head)


@pytest.mark.parametrize(
    ("before", "body", "reason"),
    [
        (
            "lock = __import__('threading').Lock()\n",
            "lock",
            "module_of_a_user.py:1: lock can't be shipped: it isn't a function",
        ),
        ("", "absent", "module_of_a_user.py:2: absent isn't defined"),
        ("", "get_ipython()", "f uses !command or %magic, which works in cells only"),
    ],
)
def test_what_cant_be_shipped_is_refused_by_name(load: Load, before: str, body: str, reason: str) -> None:
    """When it is deployed or tried: a name may be bound after the function."""
    module = load(f"{before}def f(data: bytes):\n    return {body}\n")
    with pytest.raises(UsageError, match=reason):
        storlet(module.f).source()
