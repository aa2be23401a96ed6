"""Lines that keep data in the cluster temporarily, or create many objects: guarantees after an interruption.

Leftovers are removed as documented: by a line that was printed, or by one that anybody can find.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from faults.scenarios import MANY, NEW, OLD, Scenario, Stored, Trial
from storlet_shell.store.scratch import PREFIX

_HELP = re.compile(r"rm -r path:/c_segments/\S+")
_HALF = len(OLD) // 2


class Large(Scenario):
    """A static large object that replaces another one."""

    title = "upload of a large object"

    def prepare(self, trial: Trial) -> None:
        """Create the object to replace, with its segments where an upload stores them."""
        name = f"large-{trial.number}"
        manifest = []
        for number, part in enumerate((OLD[:_HALF], OLD[_HALF:])):
            path = f"/c_segments/{name}/slo/{0:016}/{number:08}"
            trial.client.put(path, part)
            manifest.append({"path": path, "etag": hashlib.md5(part).hexdigest(), "size_bytes": len(part)})
        trial.client.put(f"/c/{name}?multipart-manifest=put", json.dumps(manifest).encode())

    def lost(self, trial: Trial) -> Iterator[str]:
        """Check that it is complete or as before; then run the lines that were printed, and the same one again."""
        yield from self._problems(trial)
        messages = trial.outcome.err if trial.outcome else ""
        if not trial.is_acknowledged:
            again = trial.plant.line(*self.line(trial.number))
            if again.status:
                yield f"the same line again ends with {again.status}: {again.err}"
            messages, trial = messages + again.err, trial._replace(outcome=again)
        for line in _HELP.findall(messages):
            helped = trial.plant.line(*shlex.split(line), "-y")
            if helped.status not in (0, 4):  # the repeated line may have removed it
                yield f"the line that removes what is left fails: {line}: {helped.err}"
        yield from self._problems(trial)

    def leftovers(self, trial: Trial) -> Iterator[str]:
        """Yield leftovers, including segments that aren't the object's."""
        yield from super().leftovers(trial)
        name = f"large-{trial.number}"
        answer = trial.client.request("GET", f"/c/{name}?multipart-manifest=get")
        is_manifest = "X-Static-Large-Object" in answer.headers
        segments = {entry["name"] for entry in json.loads(answer.body)} if is_manifest else set()
        listed = trial.client.request("GET", f"/c_segments?prefix={name}/").text.split()
        yield from (segment for segment in listed if f"/c_segments/{segment}" not in segments)

    def _problems(self, trial: Trial) -> Iterator[str]:
        name = f"large-{trial.number}"
        answer = trial.client.request("GET", f"/c/{name}")
        content = answer.body if answer.status == 200 and answer.whole else None
        if content != self.expected and (trial.is_acknowledged or content != OLD):
            yield f"{name} is neither old nor new: {answer.status}, {len(answer.body)} bytes"
        if name not in trial.client.request("GET", f"/c?prefix={name}").text.split():
            yield f"{name} is not listed"


class Folder(Scenario):
    """An uploaded folder: each object is complete, or as before; the same line uploads the rest."""

    title = "upload of a folder"

    def prepare(self, trial: Trial) -> None:
        """Create the object that one of the files replaces."""
        if trial.before is not None:
            trial.client.put(f"/c/up-{trial.number}/{Path(next(iter(MANY))).name}", trial.before)

    def lost(self, trial: Trial) -> Iterator[str]:
        """Compare each object with its file, before and after repeating the line."""
        yield from self._problems(trial)
        if trial.is_acknowledged:
            return
        again = trial.plant.line(*self.line(trial.number), "--skip-identical")
        if again.status:
            yield f"the same line again ends with {again.status}: {again.err}"
        yield from self._problems(trial._replace(outcome=again))

    def _problems(self, trial: Trial) -> Iterator[str]:
        listed = trial.client.request("GET", f"/c?prefix=up-{trial.number}/").text.split()
        before = trial.before
        for source, content in MANY.items():
            name = f"up-{trial.number}/{Path(source).name}"
            answer = trial.client.request("GET", f"/c/{name}")
            stored = answer.body if answer.status == 200 and answer.whole else None
            is_old = stored == before and not trial.is_acknowledged
            if answer.status not in (200, 404) or not (stored == content or is_old):
                yield f"{name} is neither old nor new: {answer.status}, {len(answer.body)} bytes"
            if stored is None and name in listed:
                yield f"{name} is listed and not there"
            before = None


class _Scratching(Scenario):
    """A line that keeps intermediate results in a container of its own."""

    def cleared(self, trial: Trial) -> Iterator[str]:
        """Remove the container that a killed line leaves as documented; its objects must expire by themselves."""
        for container in trial.client.request("GET", f"?prefix={PREFIX}").text.split():
            for name in trial.client.request("GET", f"/{container}").text.split():
                answer = trial.client.request("HEAD", f"/{container}/{name}")
                if answer.status == 200 and "X-Delete-At" not in answer.headers:
                    yield f"{container}/{name} does not expire"
            removed = trial.plant.line("rm", "-r", container, "-y")
            if removed.status not in (0, 4):  # a request of the killed line may have removed it meanwhile
                yield f"the line that removes it fails: {removed.err}"


class Pipe(_Scratching):
    """A chain over one object, whose result is the line's output."""

    title = "pipe"

    def prepare(self, trial: Trial) -> None:
        """Nothing is replaced."""

    def lost(self, trial: Trial) -> Iterator[str]:
        """Check that its source is unchanged, and that repeating the line succeeds."""
        yield from self.cleared(trial)
        if trial.client.request("GET", "/c/new.bin").body != NEW:
            yield "the object has changed"
        again = trial.plant.line(*self.line(trial.number))
        if again.status or again.out != self.expected:
            yield f"the same line again ends with {again.status} and {len(again.out)} bytes: {again.err}"


class Made(_Scratching, Stored):
    """A line that reduces objects to one, with a temporary container of its own."""

    def lost(self, trial: Trial) -> Iterator[str]:
        """Compare the object with the acknowledged one, before and after repeating the line."""
        yield from super().lost(trial)
        yield from self.cleared(trial)
        if trial.is_acknowledged:
            return
        again = trial.plant.line(*self.line(trial.number))
        if again.status:
            yield f"the same line again ends with {again.status}: {again.err}"
        yield from super().lost(trial._replace(outcome=again))
