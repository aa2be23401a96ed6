"""What a Java class file says of its class: its name, what it extends, what it implements.

Only the constant pool and what follows it up to the interfaces is looked at (The Java Virtual Machine Specification,
chapter 4).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from storlet_shell.equality import typed_equality

_MAGIC = 0xCAFEBABE
_UTF8, _CLASS = 1, 7
_WIDE = (5, 6)  # a long or a double takes two places in the pool
_BYTES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
"""How long a constant is after its tag; text says so itself."""

_INTERFACE, _ABSTRACT = 0x0200, 0x0400


@typed_equality
class ClassFile(NamedTuple):
    """One class, its names qualified and written with dots.

    :param parent: what it extends; empty for ``java.lang.Object`` and for modules
    :param is_concrete: whether there can be objects of it: it is no interface and not abstract
    """

    name: str
    parent: str
    interfaces: tuple[str, ...]
    is_concrete: bool

    @classmethod
    def parse(cls, content: bytes) -> ClassFile:
        """Read a class file, or as much of its start as holds the constant pool and the interfaces.

        :raises ValueError: when it is none, or a damaged one
        """
        try:
            return cls._parse(content)
        except (struct.error, KeyError) as error:
            raise ValueError("it is no class file, or a damaged one") from error

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
        return cls(name(this), name(parent) if parent else "", tuple(map(name, interfaces)), concrete)
