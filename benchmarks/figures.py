"""The table's lines: title, peer, target, and remarks for the reader.

Other modules measure the values, which are stored in ``results.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A line of the table.

    :param title: what is measured; a ratio unless there is a unit
    :param target: the value to reach; None if the figure is only for the plot
    :param at_most: whether the target is an upper limit
    :param unit: the unit of figure and target; empty for a ratio
    :param peer: the program that it is compared with, as named in :mod:`.peers`
    :param remark: what limits the figure, and how to check that; for a missed target, the explanation
    """

    title: str
    target: float | None = None
    at_most: bool = True
    unit: str = ""
    peer: str = ""
    remark: str = ""

    def is_met(self, value: float) -> bool | None:
        """Tell whether a value reaches the target; None without one."""
        if self.target is None:
            return None
        return value <= self.target if self.at_most else value >= self.target

    @property
    def wanted(self) -> str:
        """The target as text."""
        return (
            "none" if self.target is None else f"{'≤' if self.at_most else '≥'} {self.target:.3g} {self.unit}".rstrip()
        )


_ONE_PROCESS = (
    "All of the embedded Swift's servers are one process, which is busy nearly all of this time with either client "
    "(its processor's seconds are in the notes): the ratio can't leave 1 by more than the rest."
)
_LISTING = (
    f"{_ONE_PROCESS} What the clients alone take is the line of the answers that are there at once; what the server "
    "does with a page is told below."
)
_BATCH = (
    "1,000 runs keep the one process of the embedded Swift's servers busy for nearly all of this time (its processor's "
    "seconds are in the notes), and the storlets' own processes take some 5 s more, with either client: of two cores, "
    "nearly all is the server's. What the clients alone take is the line of the server that answers at once."
)
_ABSOLUTE = "Seconds, not a ratio: to be read beside the loop that always does the same, whose times stand below."

_QUERIES = (
    "Without a slow link, nothing is gained by moving less: both cores are busy with 200 processes of the storlet, "
    "each of which starts Python's csv over 1 MB, while DuckDB reads all objects by several threads of C++."
)

_FRAMES = "Both ends compute the CRC-32 of 64 MiB, which alone takes 0.1 s each on a processor like this one."
_JVM = "About half of it is the start of a JVM; java -version, which does nothing else, is in the notes."
_LEVELS = (
    "With --isolation run, each GET waits for a JVM to start, unless there is a pause before it: the time after one is "
    "in the notes."
)
_LINK = (
    "Two cores are the limit, not the link: of some 80 ms of processor time for each object, the storlet's process "
    "takes 50 (csv.reader alone would take 21), the servers 16, and the client 13."
)

FIGURES: Mapping[str, Mapping[str, Figure]] = {
    "engine": {
        "start-up": Figure("--local from nothing to the first storlet GET, a whole process", 4, unit="s"),
        "first-deploy": Figure("first invocation after a deploy", 0.2, unit="s"),
        "first-redeploy": Figure("first invocation after a redeploy", 0.2, unit="s"),
        "warm-get": Figure("warm storlet GET of 1 KiB ÷ plain GET, time", 2.5),
        "large-node": Figure("64 MiB on the node: rate ÷ plain rate", 0.85, at_most=False),
        "large-proxy": Figure("64 MiB on the proxy: rate ÷ plain rate", 0.6, at_most=False),
        "eight-clients": Figure("eight clients: storlet requests/s ÷ plain", 0.3, at_most=False),
        "fifty": Figure("fifty storlet GETs of 4 MiB at once: complete", 50, at_most=False),
    },
    "java": {
        "java-first": Figure("first invocation of a Java storlet after a deploy", 0.15, unit="s", remark=_JVM),
        "java-warm": Figure("warm Java GET of 1 KiB ÷ Python GET, time; JVMs are reused", 1.3, peer="python"),
        "java-isolation": Figure(
            "warm Java GET of 1 KiB, one after another: --isolation run ÷ account, time", peer="account", remark=_LEVELS
        ),
        "java-large": Figure("64 MiB through a jar: rate ÷ Python's", 0.8, at_most=False),
        "java-ten": Figure("ten Java GETs of 4 MiB at once: complete", 10, at_most=False),
    },
    "client": {
        "get-process": Figure("get of 1 KiB, a whole process, ÷ swift download", 1.0, peer="swift"),
        "get-large-swift": Figure("get of 1 GiB ÷ swift download -o -", peer="swift", remark=_ONE_PROCESS),
        "get-large-rclone": Figure("get of 1 GiB ÷ rclone cat", peer="rclone", remark=_ONE_PROCESS),
        "get-large-curl": Figure("get of 1 GiB ÷ curl", peer="curl", remark=_ONE_PROCESS),
        "get-large-cpu": Figure("the same ÷ curl, client's processor seconds", peer="curl"),
        "put-large-swift": Figure("upload of 1 GiB ÷ swift upload", peer="swift", remark=_ONE_PROCESS),
        "put-large-curl": Figure("upload of 1 GiB ÷ curl -T", peer="curl", remark=_ONE_PROCESS),
        "memory-get": Figure("peak memory, get of 1 GiB ÷ 1 MiB", 1.2),
        "memory-put": Figure("peak memory, put of 1 GiB ÷ 1 MiB", 1.2),
    },
    "functions": {
        "framed-large": Figure("a function's result of 64 MiB: framed ÷ plain", 1.05, remark=_FRAMES),
        "framed-small": Figure("a function's result of 1 KiB: framed ÷ plain", 1.1),
        "table-rows": Figure("a function of Iterator[dict] over 40 MB of CSV ÷ the same Python over a local file", 1.3),
        "table-text": Figure("a function of TextIO over 40 MB of CSV ÷ the same Python over a local file", 1.3),
    },
    "shelf": {
        "select-integers": Figure("select's storlet: filter and group 40 MB of CSV, integers, ÷ csv.reader alone", 2.0),
        "select-floats": Figure("the same, distinct floats", 2.6),
        "select-memory": Figure("select's storlet: peak memory, 400 MB ÷ 40 MB", 1.1),
    },
    "queries": {
        "select-link": Figure(
            "select of 1 % of 200 objects of 1 MB over 100 Mbit/s ÷ download of all and DuckDB", 0.3, remark=_LINK
        ),
        "select-bytes": Figure("the same, bytes that cross the link", 0.02),
        "select-loopback": Figure("the same on loopback, time", remark=_QUERIES),
    },
    "notebook": {
        "magic": Figure("warm %get ÷ http.client on a kept connection", 1.3),
        "extension": Figure("%load_ext storlet_shell, beyond IPython's own", 0.15, unit="s", remark=_ABSOLUTE),
        "browse": Figure(
            "%storlet browse: first page of a container of 1,000,000 objects", 0.5, unit="s", remark=_ABSOLUTE
        ),
    },
    "terminal": {
        "terminal-process": Figure(
            "ls -l of 10 objects on a terminal ÷ into a pipe, a whole process", 1.05, peer="pipe"
        ),
        "completion": Figure("completions of 1,000 names, from the cache", 0.05, unit="s"),
    },
    "objects": {
        "ls-replayed": Figure("ls of 100,000 objects ÷ swift list, answers are there at once", 0.8, peer="swift"),
        "ls": Figure("ls of 100,000 objects ÷ swift list", 0.8, peer="swift", remark=_LISTING),
        "ls-rclone": Figure("ls of 100,000 objects ÷ rclone lsf -R --fast-list", peer="rclone", remark=_ONE_PROCESS),
        "ls-memory": Figure("peak memory, ls of 100,000 objects ÷ 10,000, a whole page", 1.2),
        "rm": Figure("rm -r of 1,000 objects ÷ swift delete", 1.0, peer="swift", remark=_ONE_PROCESS),
        "rm-rclone": Figure("rm -r of 1,000 objects ÷ rclone purge", peer="rclone", remark=_ONE_PROCESS),
    },
    "folders": {
        "upload-swift": Figure("upload of 1,000 files of 1 KiB ÷ swift upload", peer="swift", remark=_ONE_PROCESS),
        "upload-rclone": Figure("upload of 1,000 files of 1 KiB ÷ rclone copy", peer="rclone", remark=_ONE_PROCESS),
        "download-swift": Figure(
            "download of 1,000 files of 1 KiB ÷ swift download", peer="swift", remark=_ONE_PROCESS
        ),
        "download-rclone": Figure("download of 1,000 files of 1 KiB ÷ rclone copy", peer="rclone", remark=_ONE_PROCESS),
        "sync-rclone": Figure("sync of 1,000 unchanged files of 1 KiB ÷ rclone sync", 0.8, peer="rclone"),
    },
    "batch": {
        "map": Figure("map of 1,000 objects of 10 KiB ÷ swift download, time", 0.9, peer="swift", remark=_BATCH),
        "map-cpu": Figure("the same, client's processor seconds", 0.7, peer="swift"),
        "map-curl": Figure("the same ÷ xargs -P with curl, time", 1.0, peer="curl"),
        "map-memory": Figure("map's peak memory, 100,000 objects ÷ 1,000", 1.3),
        "journal": Figure("the journal's share of a batch of 10 ms runs", 0.05),
        "names": Figure("10,000,000 listed names: memory grows by", 32, unit="MiB"),
    },
    "joining": {
        "concat": Figure("map --concat of 1,000 objects of 10 KiB ÷ map --save and cat, time", 1.0, peer="map --save"),
        "concat-memory": Figure("map --concat's peak memory, 10,000 objects ÷ 100", 1.2),
    },
    "alone": {
        "map-alone": Figure("map of 1,000 objects ÷ swift download, the server answers at once", peer="swift"),
    },
    "keystone": {
        "logins": Figure("logins at Keystone in a session of 100 commands", 1),
        "magic-keystone": Figure("%get on Keystone ÷ a login and a GET by swiftclient, as the old extension did", 0.4),
        "whoami": Figure("whoami with OS_CLOUD ÷ openstack token issue", 0.5, peer="openstack"),
    },
    "endpoints": {
        "slow-proxy": Figure("map by three proxies, one slowed: least-outstanding ÷ round-robin, time", 0.8),
    },
    "idle": {
        "idle": Figure("first invocation after five idle minutes", 0.2, unit="s"),
    },
}
"""By measuring module."""
