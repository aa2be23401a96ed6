"""Upstream's Java sample storlets, which its tests deploy: built from its build files, but without ant."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from conformance.sources import BUILD, source
from storlet_shell.java.compiler import interface_jar

_BUILT = BUILD / "samples"


def build() -> Path:
    """Compile the samples once, against this project's interface; return their folder."""
    root = source("storlets")
    complete = _BUILT / "complete"
    if not complete.exists():
        shutil.rmtree(_BUILT, ignore_errors=True)
        shutil.copytree(root / "StorletSamples", _BUILT)
        for build_file in sorted(_BUILT.glob("java/*/build.xml")):
            _build(build_file)
        complete.touch()
    return _BUILT


def _build(build_file: Path) -> None:
    """Build one sample: its jar, and the files that its tests upload."""
    folder, target = build_file.parent, build_file.parent / "bin"
    classes = folder / "classes"
    sources = [str(path) for path in sorted(folder.glob("src/**/*.java"))]
    subprocess.run(["javac", "-nowarn", "-cp", interface_jar(), "-d", classes, *sources], check=True)
    target.mkdir()
    for element in ElementTree.parse(build_file).iter():
        file = folder / element.get("file", "")
        if element.tag == "jar":
            with zipfile.ZipFile(target / Path(element.attrib["destfile"]).name, "w") as jar:
                for path in sorted(classes.rglob("*.class")):
                    jar.write(path, path.relative_to(classes))
        elif element.tag == "echo":
            file.write_text(element.attrib["message"])
        elif element.tag == "copy":
            shutil.copyfile(file, folder / element.attrib["toFile"])
        elif element.get("executable") == "gcc":
            subprocess.run(["cc", "-o", target / "get42", target / "get42.c"], check=True)
        elif element.get("executable") == "wget":  # any text will do: the test only uploads and replaces it
            (target / "input.txt").write_text("Some content to compress\n" * 100)
