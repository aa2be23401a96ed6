"""Interrupted lines: what exists before, and what must hold afterwards, wherever they were interrupted."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from faults.plant import Plant
from tests.embedded.storlets import Client
from tests.support.lines import Outcome
from tests.support.storlets import STORLETS

OLD, NEW = (random.Random(seed).randbytes(size).hex().encode() for seed, size in ((1, 5000), (2, 300_000)))
MANY = {f"many/{number:02d}.txt": f"object {number}\n".encode() * 3000 for number in range(4)}
FILES = ("new.bin", "saved.bin", "ver.py", "part.py", "made", "journal", "up")

_CONTAINERS = ("c", "c_segments", "many", "made", "storlet", "dependency", "storletlog")
_UNDER_WAY_SECONDS = 1.0
"""Seconds within which the last requests of a killed client may still take effect."""

_HELP = re.compile(r"(copy path:\S+ path:\S+?(?=;? |$)|dependencies rm \S+?(?=[;,]? |$))", re.M)
_VER = """
import part
class Ver:
    def __init__(self, logger): pass
    def __call__(self, in_files, out_files, params):
        in_files[0].read()
        out_files[0].set_metadata({{}})
        out_files[0].write(b'{number}' + part.VERSION)
"""


class Trial(NamedTuple):
    """A trial of a line, and its result.

    :param client: a plain client of the current server
    :param number: the trial's number, for unique names
    :param outcome: None before the line, or if it was killed
    """

    plant: Plant
    client: Client
    number: int
    outcome: Outcome | None = None

    @property
    def is_acknowledged(self) -> bool:
        """Whether the line reported success."""
        return self.outcome is not None and self.outcome.status == 0

    @property
    def before(self) -> bytes | None:
        """The existing content at the target in every second trial; None for nothing."""
        return OLD if self.number % 2 else None

    def is_good(self, content: bytes | None, expected: bytes) -> bool:
        """Tell whether the content is the new one if that was acknowledged; otherwise, that or the previous one."""
        return content == expected or (not self.is_acknowledged and content == self.before)


class Scenario:
    """A line that is interrupted.

    :param words: the line; ``{number}`` is the trial's number
    :param expected: its result
    """

    title = ""
    statuses: tuple[int, ...] = (0, 5)
    stays_down = 2
    """The share of trials in which the server stays down until the line has ended: every second."""

    def __init__(self, words: str, expected: bytes = NEW) -> None:
        self.words = words
        self.expected = expected

    def line(self, number: int) -> list[str]:
        """Return the line's words."""
        return shlex.split(self.words.format(number=number))

    def prepare(self, trial: Trial) -> None:
        """Create what must exist before the line."""
        raise NotImplementedError

    def lost(self, trial: Trial) -> Iterator[str]:
        """Yield whatever is lost, changed or incomplete; repair as the line has said."""
        raise NotImplementedError

    def leftovers(self, trial: Trial) -> Iterator[str]:
        """Yield the names of leftovers in the account."""
        yield from (name for name in trial.client.request("GET", "").text.split() if name not in _CONTAINERS)
        yield from (name for name in trial.client.request("GET", "/dependency").text.split() if name != "part.py")


class Stored(Scenario):
    """An object that is created or replaced: container ``c``, the command and the trial's number."""

    def __init__(self, title: str, words: str, expected: bytes = NEW) -> None:
        super().__init__(words, expected)
        self.title = title

    def prepare(self, trial: Trial) -> None:
        """Create the object to replace."""
        if trial.before is not None:
            trial.client.put(f"/c/{self.title}-{trial.number}", trial.before)

    def lost(self, trial: Trial) -> Iterator[str]:
        """Compare object and listing with what was acknowledged.

        The listing is read first: Swift stores an object before it lists it, and a killed client's last requests may
        take effect at any moment.
        """
        name = f"{self.title}-{trial.number}"
        entries = json.loads(trial.client.request("GET", f"/c?format=json&prefix={name}").body)
        listed = {entry["name"]: entry["hash"] for entry in entries}
        answer = trial.client.request("GET", f"/c/{name}")
        content = answer.body if answer.status == 200 and answer.whole else None
        if answer.status not in (200, 404) or not trial.is_good(content, self.expected):
            yield f"{name} is neither old nor new: {answer.status}, {len(answer.body)} bytes"
        if content is None and name in listed:
            yield f"{name} is listed and not there"
        if trial.is_acknowledged and listed.get(name) != hashlib.md5(self.expected).hexdigest():
            yield f"{name} is there, and its entry is {listed.get(name)}"


class Get(Scenario):
    """A local file that is created or replaced."""

    title = "get"

    def prepare(self, trial: Trial) -> None:
        """Create the file to replace."""
        saved = trial.plant.work / "saved.bin"
        saved.unlink(missing_ok=True)
        if trial.before is not None:
            saved.write_bytes(trial.before)

    def lost(self, trial: Trial) -> Iterator[str]:
        """Compare the file with what was acknowledged."""
        saved = trial.plant.work / "saved.bin"
        content = saved.read_bytes() if saved.exists() else None
        if not trial.is_good(content, self.expected):
            yield f"saved.bin is neither old nor new: {content and len(content)} bytes"
        if trial.client.request("GET", "/c/new.bin").body != NEW:
            yield "the object has changed"


class Deploy(Scenario):
    """A storlet that is replaced together with its dependency; each reports its version."""

    title = "deploy"

    def prepare(self, trial: Trial) -> None:
        """Deploy the first version of both, and nothing from the previous trial."""
        for name in trial.client.request("GET", "/dependency").text.split():
            trial.client.request("DELETE", f"/dependency/{name}")
        trial.client.depend("part.py", "VERSION = b'1'\n", "0644")
        trial.client.deploy("ver.py", _VER.format(number=1), main="ver.Ver", dependencies="part.py")
        (trial.plant.work / "ver.py").write_text(_VER.format(number=2))
        (trial.plant.work / "part.py").write_text("VERSION = b'2'\n")

    def lost(self, trial: Trial) -> Iterator[str]:
        """Run the deployed storlet after running the lines that the deployment printed; then deploy again."""
        messages = trial.outcome.err if trial.outcome else ""
        if "deploy it again" in messages:
            trial.plant.line(*self.line(trial.number))
        for line in _HELP.findall(messages):
            helped = trial.plant.line(*shlex.split(line), *(["-y"] if line.startswith("dependencies") else []))
            if helped.status not in (0, 4):  # an object that the line reported as possibly left over may be gone
                yield f"the line that puts it right fails: {line}: {helped.err}"
        ran = trial.client.run("ver.py", "/c/new.bin")
        if ran.body == b"12" and trial.outcome is None:  # it was killed, and couldn't restore anything
            time.sleep(_UNDER_WAY_SECONDS)
            ran = trial.client.run("ver.py", "/c/new.bin")
        if ran.body == b"12" and trial.outcome is None:
            trial.plant.line("copy", "path:/dependency/part.py.before", "path:/dependency/part.py")
            ran = trial.client.run("ver.py", "/c/new.bin")
        if ran.body not in ([b"22"] if trial.is_acknowledged else [b"11", b"22"]):
            yield f"what runs is {ran.status} {ran.text}; told: {messages}"
        again = trial.plant.line(*self.line(trial.number))
        if again.status or trial.client.run("ver.py", "/c/new.bin").body != b"22":
            yield f"deployed once more, it is not the new one: {again.err}"


class Map(Scenario):
    """A batch with a journal, which resumes when the server is back."""

    title = "map"
    statuses = (0, 5, 6)
    stays_down = 30  # it waits a minute before it concludes that no endpoint comes back

    def prepare(self, trial: Trial) -> None:
        """Start without results."""
        for path in (*trial.plant.work.rglob("made/**/*"), *trial.plant.work.glob("journal*")):
            if path.is_file():
                path.unlink()
        for name in trial.client.request("GET", "/made").text.split():
            trial.client.request("DELETE", f"/made/{quote(name)}")

    def lost(self, trial: Trial) -> Iterator[str]:
        """Check that results are complete, and that the same line creates the rest and skips what is finished."""
        results = self._made(trial)
        yield from (f"half-made: {name}" for name in results if results[name] != MANY[name].upper())
        finished = [line for line in (trial.outcome.text if trial.outcome else "").splitlines() if self._is_done(line)]
        yield from (f"done and not made: {line}" for line in finished if line.split("/many/", 1)[1] not in results)
        again = trial.plant.line("--json", *self.line(trial.number))
        if again.status:
            yield f"the batch does not go on: {again.err}"
            return
        figures = again.json
        if figures["done"] + figures["done_before"] != len(MANY) or figures["done_before"] < len(finished):
            yield f"the batch went on with {figures}, and {finished} were done"
        if self._made(trial) != {name: content.upper() for name, content in MANY.items()}:
            yield "the batch is not whole although it says so"

    def _is_done(self, line: str) -> bool:
        return bool(re.match(r"20[01] .*/many/\S+$", line))

    def _made(self, trial: Trial) -> dict[str, bytes]:
        folder = trial.plant.work / "made"
        if "--save" in self.words:
            return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.txt")}
        names = trial.client.request("GET", "/made").text.split()
        return {name: trial.client.request("GET", f"/made/{quote(name)}").body for name in names}


def furnish(plant: Plant) -> None:
    """Store the lines' inputs."""
    (plant.work / "new.bin").write_bytes(NEW)
    (plant.work / "up").mkdir()
    for name, content in MANY.items():
        (plant.work / "up" / Path(name).name).write_bytes(content)
    with plant.client() as client:
        for container in ("c", "c_segments", "many", "made"):
            client.request("PUT", f"/{container}")
        client.put("/c/new.bin", NEW)
        for name in ("upper", "join"):
            client.deploy(f"{name}.py", STORLETS[f"{name}.py"], main=f"{name}.Main")
        for name, content in MANY.items():
            client.put(f"/many/{Path(name)}", content)
