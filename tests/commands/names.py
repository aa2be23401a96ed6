"""Names of objects that every command must handle."""

NAMES = [
    "plain",
    "with space",
    " leading and trailing ",
    "hash#mark",
    "per%cent",
    "per%2Fcent",
    "quest?ion=1&b",
    "plus+semi;colon",
    "quote'\"back\\slash",
    "grün/日本/😀",
    "new\nline",
    "tab\tand\rreturn",
    "a//b",
    "a/../b",
    "./a",
    "..",
    "trailing/",
    "-dash",
    "--double",
    "path:/looks/like",
    "dollar$HOME${X}",
    "comma,and|pipe>",
    "n" * 1024,
]
"""Each is a legal name in Swift."""

EVERYDAY = ["with space", "per%2Fcent", "quest?ion=1&b", "grün/日本/😀", "new\nline", "a/../b", "trailing/"]
"""Those that fast tests try."""
