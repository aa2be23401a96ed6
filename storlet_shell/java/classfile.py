"""Read from a Java class file what decides whether an engine can start the class.

The format is that of The Java Virtual Machine Specification, chapter 4. Code isn't parsed.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from storlet_shell.equality import typed_equality

_MAGIC = 0xCAFEBABE
_UTF8, _CLASS = 1, 7
_WIDE = (5, 6)  # a long or a double takes two places in the pool
_BYTES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
"""The length of each constant after its tag; a text contains its own length."""

_PUBLIC, _INTERFACE, _ABSTRACT = 0x0001, 0x0200, 0x0400
_CONSTRUCTOR = (b"<init>", b"()V")


@typed_equality
class ClassFile(NamedTuple):
    """A class; names are qualified, with dots.

    :param parent: the superclass; empty for ``java.lang.Object`` itself and for modules
    :param interfaces: the interfaces that it implements
    :param is_concrete: whether it is neither abstract nor an interface
    :param is_public: whether it is public, and so is its constructor without parameters; None if the file ends before
        its methods
    """

    name: str
    parent: str
    interfaces: tuple[str, ...]
    is_concrete: bool
    is_public: bool | None

    @classmethod
    def parse(cls, content: bytes) -> ClassFile:
        """Parse a class file, or at least its beginning up to the interfaces.

        :raises ValueError: if it isn't a class file, or is damaged
        """
        try:
            return cls._parse(content)
        except (struct.error, KeyError) as error:
            raise ValueError("not a class file, or damaged") from error

    @classmethod
    def _parse(cls, content: bytes) -> ClassFile:
        magic, _, count = struct.unpack_from(">IIH", content)
        if magic != _MAGIC:
            raise KeyError(magic)
        texts: dict[int, bytes] = {}
        classes: dict[int, int] = {}
        place, index = 10, 1
        while index < count:
            (tag,) = struct.unpack_from(">B", content, place)
            if tag == _UTF8:
                (length,) = struct.unpack_from(">H", content, place + 1)
                texts[index] = content[place + 3 : place + 3 + length]
                place += 3 + length
            else:
                if tag == _CLASS:
                    (classes[index],) = struct.unpack_from(">H", content, place + 1)
                place += 1 + _BYTES[tag]
            index += 2 if tag in _WIDE else 1
        flags, this, parent, total = struct.unpack_from(">HHHH", content, place)
        interfaces = struct.unpack_from(f">{total}H", content, place + 8)

        def name(index: int) -> str:
            return texts[classes[index]].decode("utf-8", "replace").replace("/", ".")

        concrete = not flags & (_INTERFACE | _ABSTRACT)
        try:
            public = bool(flags & _PUBLIC) and _has_constructor(content, place + 8 + 2 * total, texts)
        except struct.error:
            public = None
        return cls(name(this), name(parent) if parent else "", tuple(map(name, interfaces)), concrete, public)


def _has_constructor(content: bytes, place: int, texts: dict[int, bytes]) -> bool:
    """Tell whether a class has a public constructor without parameters.

    :param place: where its fields begin, which its methods follow
    """
    has_constructor = False
    for kind in ("fields", "methods"):
        (count,) = struct.unpack_from(">H", content, place)
        place += 2
        for _ in range(count):
            flags, name, descriptor, attributes = struct.unpack_from(">HHHH", content, place)
            is_constructor = (texts.get(name), texts.get(descriptor)) == _CONSTRUCTOR
            has_constructor = has_constructor or (kind == "methods" and is_constructor and bool(flags & _PUBLIC))
            place += 8
            for _ in range(attributes):
                (length,) = struct.unpack_from(">I", content, place + 2)
                place += 6 + length
    return has_constructor
