"""``python -m benchmarks.page``: write ``docs/performance.md``'s table and pictures from ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks import table
from benchmarks.figures import FIGURES
from benchmarks.records import FILE, Record, Records, sample_of

_DOCS = FILE.parent.parent / "docs"
PAGE = _DOCS / "performance.md"
_PICTURES = _DOCS / "performance"
_BEGIN, _END = "<!-- python -m benchmarks.page writes what follows -->", "<!-- until here -->"
_NOTHING = "Not measured yet: `make bench`, then `make performance`."


class _Plot(NamedTuple):
    """The labels of a plot."""

    title: str
    across: str
    up: str = "seconds"


_PLOTS: Mapping[str, _Plot] = {
    "objects": _Plot("listing a container", "objects in the container"),
    "get": _Plot("one object to nowhere", "bytes"),
    "put": _Plot("one file to an object", "bytes"),
    "jobs": _Plot("a storlet over 500 objects of 10 KiB", "connections"),
}


def written(page: str, records: Records) -> str:
    """Return the page with its table and plots updated.

    :param page: the page's text, with the two marks
    """
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    ordered = {name: records.modules[name] for name in FIGURES if name in records.modules}
    pictures = [f"![{_PLOTS[name].title}]({_PICTURES.name}/{name}.svg)" for name in _PLOTS if name in records.curves]
    lines = [
        *(table.markdown(ordered) if ordered else [_NOTHING]),
        *(line for picture in pictures for line in ("", picture)),
    ]
    return "\n".join([f"{before}{_BEGIN}", "", *lines, "", f"{_END}{after}"])


def draw(name: str, curves: Record, folder: Path) -> None:
    """Draw one plot: medians by size, both in powers of ten, with minimum and maximum."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "storlet-shell", "svg.fonttype": "none"}  # makes the output reproducible
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4))
    for tool in dict.fromkeys(point["who"] for point in curves["points"]):
        points = [(point["at"], sample_of(point)) for point in curves["points"] if point["who"] == tool]
        across, medians = [at for at, _ in points], [sample.median for _, sample in points]
        spread = [
            [sample.median - min(sample.values) for _, sample in points],
            [max(sample.values) - sample.median for _, sample in points],
        ]
        axes.errorbar(across, medians, yerr=spread, marker="o", markersize=3, capsize=2, linewidth=1, label=tool)
    plot = _PLOTS[name]
    axes.set(title=plot.title, xlabel=plot.across, ylabel=plot.up, xscale="log", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    """Write the page and its pictures."""
    records = Records(FILE)
    PAGE.write_text(written(PAGE.read_text(), records))
    for name, curves in records.curves.items():
        draw(name, curves, _PICTURES)


if __name__ == "__main__":
    main()
