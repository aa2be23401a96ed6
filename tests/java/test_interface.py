"""The Java interface: the same members as in upstream's jar, and the same behavior."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from storlet_shell.java.compiler import compile_classes, interface_jar, jar_of
from tests.support.jars import needs_jdk

pytestmark = [pytest.mark.slow, needs_jdk]

PACKAGE = "org.openstack.storlet.common"

MEMBERS = """
interface IStorlet
  public abstract invoke(ArrayList ArrayList Map StorletLogger)void throws StorletException
class StorletException extends Exception
  public StorletException(String)void
class StorletInputStream
  protected stream InputStream
  public StorletInputStream(FileDescriptor HashMap)void
  protected StorletInputStream(HashMap)void
  public getMetadata()HashMap
  public getStream()InputStream
  public close()void
class StorletLogger
  public StorletLogger(FileDescriptor)void
  public emitLog(String)void
  public Flush()void
  public close()void
class StorletObjectOutputStream extends StorletOutputStream
  public StorletObjectOutputStream(FileDescriptor HashMap FileDescriptor)void
  public getStream()OutputStream
  public getMDStream()OutputStream
  public closeMD()void
  public setMetadata(Map)void throws StorletException
class StorletOutputStream
  protected stream OutputStream
  public StorletOutputStream(FileDescriptor HashMap)void
  public getMetadata()HashMap
  public close()void
class StorletUtils
  public StorletUtils()void
  public static final getClassFolder(Class)String
"""
"""What compiled storlets refer to, as in upstream's jar (storlets 18, ``src/java/SCommon``); that has two more classes,
``RangeFileInputStream`` and ``RangeStorletInputStream``, which only its engine names."""

PROBE = """
import java.io.*;
import java.util.*;
import org.openstack.storlet.common.*;

public class Probe {
    public static void main(String[] files) throws Exception {
        FileOutputStream metadata = new FileOutputStream(files[0]);
        StorletObjectOutputStream out = new StorletObjectOutputStream(
                new FileOutputStream(files[1]).getFD(), new HashMap<>(), metadata.getFD());
        Map<String, String> map = new LinkedHashMap<>();
        map.put("quote\\"d", "back\\\\slash/\\n\\u0001");
        map.put("caf\\u00e9", "\\u65e5\\ud83d\\ude00\\u2028");
        map.put("empty", "");
        map.put("none", null);
        try {
            out.setMetadata(Map.of("a", "b"));
        } catch (UnsupportedOperationException failure) {
            System.out.println(failure.getMessage());
        }
        out.setMetadata(map);
        System.out.println(map);
        out.getStream().write('x');
        try {
            out.setMetadata(new HashMap<>());
        } catch (StorletException failure) {
            System.out.println(failure.getMessage());
        }
        StorletLogger logger = new StorletLogger(new FileOutputStream(files[2]).getFD());
        logger.emitLog("caf\\u00e9");
        logger.emitLog(null);
        logger.Flush();
        logger.close();
        logger.emitLog("lost");
        System.out.println(StorletUtils.getClassFolder(Probe.class));
        InputStream in = new StorletInputStream(FileDescriptor.in, new HashMap<>()).getStream();
        System.out.println(in.skip(2) + new String(in.readNBytes(3)));
        in.transferTo(new FileOutputStream(files[3]));
        System.out.println(in.readAllBytes().length + " " + in.skip(1) + " " + (in instanceof FileInputStream));
    }
}
"""


def shortened(descriptor: str) -> str:
    """Spell a descriptor with the names of classes alone."""
    names = {"V": "void"}
    words = [names.get(part, part.rpartition("/")[2].rstrip(";")) for part in re.findall(r"L[^;]+;|[()V]", descriptor)]
    return re.sub(r"(?<=\() | (?=\))", "", " ".join(words)).replace(") ", ")")


def members_of(listing: str) -> str:
    """Return the members that ``javap -protected -s`` lists, in the form of ``MEMBERS``."""
    lines, member = [""], ""
    for line in listing.replace(f"{PACKAGE}.", "").splitlines():
        if match := re.match(r"public (?:abstract )?(class|interface) (\w+)(?: extends ([\w.]+))? ?", line):
            parent = f" extends {match[3].rpartition('.')[2]}" if match[3] else ""
            lines.append(f"{match[1]} {match[2]}{parent}")
        elif match := re.match(r"    descriptor: (.*)", line):
            modifiers = " ".join(re.findall(r"\b(?:public|protected|abstract|static|final)\b", member))
            name = re.findall(r"(\w+)(?=\(|;$)", member)[0]
            thrown = re.search(r" throws \w+", member)
            blank = "" if "(" in match[1] else " "
            lines.append(f"  {modifiers} {name}{blank}{shortened(match[1])}{thrown[0] if thrown else ''}")
        else:
            member = line
    return "\n".join(lines) + "\n"


def test_interface_has_the_members_that_compiled_storlets_refer_to() -> None:
    """Names, types, modifiers, and checked exceptions: a jar that was compiled with upstream's finds all of them."""
    classes = [f"{PACKAGE}.{line.split()[1]}" for line in MEMBERS.splitlines() if line and not line.startswith(" ")]
    command = ["javap", "-protected", "-s", "-cp", str(interface_jar()), *classes]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert members_of(listing) == MEMBERS


def test_interface_behaves_as_upstreams(tmp_path: Path) -> None:
    """Metadata become JSON and leave the map empty; they are sent once; a log never fails; pipes can be skipped."""
    (tmp_path / "Probe.java").write_text(PROBE)
    jar = tmp_path / "a b" / "probe-1.0.jar"
    jar.parent.mkdir()
    jar.write_bytes(jar_of(compile_classes([tmp_path / "Probe.java"], [interface_jar()])))
    files = [tmp_path / name for name in ("metadata", "body", "log", "rest")]
    command = ["java", "-cp", f"{interface_jar()}:{jar}", "Probe", *map(str, files)]
    text = "ab" + "cde" + "f" * 100_000
    lines = subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout.splitlines()
    assert lines == [
        "setMetadata empties the map, and this one can't be changed; pass new HashMap<>(metadata)",
        "{}",
        "Failed to set metadata java.io.IOException: Stream Closed",
        str(jar.parent),
        "2cde",
        "0 0 true",
    ]
    assert files[3].read_text() == "f" * 100_000
    metadata = json.loads(files[0].read_bytes())
    assert metadata == {'quote"d': "back\\slash/\n\x01", "café": "日😀\u2028", "empty": ""}
    assert files[1].read_bytes() == b"x"
    assert files[2].read_text() == "café\nnull\n"
