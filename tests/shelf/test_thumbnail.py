"""``thumbnail``: proportions, orientation, formats, and what isn't an image."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from typing import Any

import pytest
from PIL import Image

from storlet_shell.shelf.thumbnail import thumbnail
from tests.shelf.calls import opened


def image(size: tuple[int, int], mode: str = "RGB", kind: str = "png", color: Any = "red", **options: Any) -> bytes:
    """Return an image in a file format; its left half has the color."""
    picture = Image.new(mode, size)
    picture.paste(color, (0, 0, size[0] // 2, size[1]))
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def smaller(data: bytes, **parameters: Any) -> tuple[Image.Image, dict[str, object]]:
    """Return the thumbnail and the result's metadata."""
    metadata: dict[str, object] = {}
    result = thumbnail(opened(data), metadata, **parameters)
    return Image.open(io.BytesIO(result)), metadata


@pytest.mark.parametrize(
    ("size", "parameters", "expected"),
    [
        ((400, 200), {}, (256, 128)),
        ((200, 400), {"width": 100, "height": 100}, (50, 100)),
        ((400, 200), {"width": 50, "height": 1000}, (50, 25)),
        ((40, 20), {}, (40, 20)),
        ((1000, 1), {"width": 10, "height": 10}, (10, 1)),
    ],
)
def test_proportions_stay(size: tuple[int, int], parameters: dict[str, int], expected: tuple[int, int]) -> None:
    """The result fits into the box, and is never larger than the image."""
    picture, metadata = smaller(image(size), **parameters)
    assert (picture.size, picture.format, metadata) == (expected, "JPEG", {"Content-Type": "image/jpeg"})


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I", "F", "I;16"])
def test_every_kind_of_image_becomes_every_format(mode: str, kind: str) -> None:
    """Whatever its colors are."""
    source = "tiff" if mode in ("CMYK", "F", "I", "I;16") else "png"
    picture, metadata = smaller(image((100, 50), mode, source, color=1), width=10, format=kind)
    assert (picture.size, str(picture.format).lower()) == ((10, 5), kind)
    assert metadata == {"Content-Type": f"image/{kind}"}


def test_transparency_stays_or_becomes_white() -> None:
    """PNG is the default for an image that has any."""
    data = image((20, 10), "RGBA", color=(255, 0, 0, 255))
    picture, _ = smaller(data)
    assert (picture.format, picture.getpixel((19, 5))) == ("PNG", (0, 0, 0, 0))
    picture, _ = smaller(data, format="jpeg")
    assert min(picture.getpixel((19, 5))) > 250  # type: ignore[type-var, arg-type]


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (19, 9)), (6, (9, 0)), (8, (0, 19))])
def test_image_is_upright(orientation: int, corner: tuple[int, int]) -> None:
    """As EXIF says; the box is that of the upright image, and no EXIF data remain."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "at home"
    picture, _ = smaller(image((400, 200), kind="jpeg", exif=exif), width=20, height=20, format="png")
    assert picture.size == ((10, 20) if orientation > 4 else (20, 10))
    red = picture.convert("RGB").getpixel(corner)
    assert isinstance(red, tuple)
    assert red[0] > 200
    assert not picture.getexif()


def test_animation_gives_its_first_frame() -> None:
    """Not a strip of all frames."""
    frames = [Image.new("RGB", (20, 10), color) for color in ("red", "blue")]
    target = io.BytesIO()
    frames[0].save(target, "gif", save_all=True, append_images=frames[1:])
    picture, _ = smaller(target.getvalue(), format="png")
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_quality_makes_a_difference() -> None:
    """Of lossy formats."""
    noise = Image.effect_noise((200, 200), 100)
    target = io.BytesIO()
    noise.save(target, "png")
    low, high = (thumbnail(opened(target.getvalue()), {}, quality=quality) for quality in (10, 90))
    assert len(low) * 2 < len(high)


def bomb(width: int, height: int) -> bytes:
    """Return the beginning of a PNG that says that it is so large."""
    header = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize(
    ("data", "parameters", "message"),
    [
        (b"", {}, "the object isn't an image that Pillow can read"),
        (b"a,b\n1,2\n", {}, "the object isn't an image that Pillow can read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", {}, "the object isn't an image that"),
        (bomb(12_000, 12_000), {}, "the image is too large: it has more than 89478485 pixels"),
        (bomb(40_000, 40_000), {}, "the image is too large: it has more than 89478485 pixels"),
        (image((100, 100))[:-60], {}, "the image is damaged: "),
        (image((100, 100), kind="jpeg")[:300], {}, "the image is damaged: "),
        (image((1, 1)), {"width": 0}, "parameter width: must be 1 or more, not 0"),
        (image((1, 1)), {"height": -1}, "parameter height: must be 1 or more, not -1"),
        (image((1, 1)), {"quality": 0}, "parameter quality: must be from 1 to 100, not 0"),
        (image((1, 1)), {"quality": 101}, "parameter quality: must be from 1 to 100, not 101"),
    ],
)
def test_what_can_not_be_one_is_refused(data: bytes, parameters: dict[str, int], message: str) -> None:
    """In one line."""
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as caught:
        thumbnail(opened(data), {}, **parameters)
    assert str(caught.value).startswith(message)


def test_image_that_does_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some formats need several copies of the image."""

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "thumbnail", fail)
    with pytest.raises(ValueError, match="decoding the image takes more memory than the engine allows"):
        thumbnail(opened(image((1, 1))), {})


def test_missing_pillow_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With whom to ask for it."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(RuntimeError, match="this engine's Python has no Pillow; ask the cluster's operator"):
        thumbnail(opened(b""), {})
