"""The standard storlet ``thumbnail``."""

from __future__ import annotations

import io
import warnings
from typing import Any, BinaryIO, Literal

from storlet_shell.shelf.parameters import check_minimum

_PROGRAMS = ("EPS", "WMF", "EMF")
"""Formats that are programs, which Pillow passes to other software."""


def thumbnail(
    file: BinaryIO,
    metadata: dict[str, object],
    width: int = 256,
    height: int = 256,
    format: Literal["jpeg", "png", "webp"] | None = None,
    quality: int = 85,
) -> bytes:
    """Return a smaller version of an image, which has the same proportions and is never larger.

    It is upright as EXIF says; other EXIF data, such as places, are left out. Of an animation, the first frame counts.
    Images of more than 89 million pixels are refused. The content type of the result is set. Requires Pillow in the
    engine's Python.

    :param width: the maximum width in pixels
    :param height: the maximum height in pixels
    :param format: of the result (default: png if the image may have transparency, else jpeg)
    :param quality: of jpeg and webp, from 1 to 100
    :raises ValueError: if a number is out of its range, or the object isn't an image that can be read
    """
    check_minimum("width", width, 1)
    check_minimum("height", height, 1)
    if not 1 <= quality <= 100:
        raise ValueError(f"parameter quality: must be from 1 to 100, not {quality}")
    library, operations = _pillow()
    if library is None:
        raise RuntimeError("this engine's Python has no Pillow; ask the cluster's operator to install it")
    image = _read(library, operations, file, width, height)
    kind = format or ("png" if _is_transparent(image) else "jpeg")
    if kind == "jpeg":
        image = _opaque(library, image)
    metadata["Content-Type"] = f"image/{kind}"
    target = io.BytesIO()
    profile = image.info.get("icc_profile")
    image.save(target, kind, quality=quality, optimize=True, **({"icc_profile": profile} if profile else {}))
    return target.getvalue()


def _pillow() -> tuple[Any, Any]:
    """Return Pillow's modules for images and for operations on them; None if it isn't installed."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return None, None
    return Image, ImageOps


def _read(library: Any, operations: Any, file: BinaryIO, width: int, height: int) -> Any:
    """Return the image, small and upright."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", library.DecompressionBombWarning)
            image = library.open(file)
        if image.format in _PROGRAMS:
            raise library.UnidentifiedImageError
        is_turned = image.getexif().get(0x0112, 1) >= 5
        box = (height, width) if is_turned else (width, height)
        image.draft("RGB", box)
        if image.mode not in ("1", "L", "LA", "RGB", "RGBA"):
            image = image.convert("RGBA" if _is_transparent(image) else "RGB")
        image.thumbnail(box)
        return operations.exif_transpose(image)
    except (library.DecompressionBombWarning, library.DecompressionBombError):
        limit = library.MAX_IMAGE_PIXELS
        raise ValueError(f"the image is too large: it has more than {limit} pixels") from None
    except library.UnidentifiedImageError:
        raise ValueError("the object isn't an image that Pillow can read") from None
    except MemoryError:
        raise ValueError("decoding the image takes more memory than the engine allows") from None
    except Exception as error:  # for damaged images, Pillow raises almost anything
        raise ValueError(f"the image is damaged: {error}") from None


def _is_transparent(image: Any) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _opaque(library: Any, image: Any) -> Any:
    """Return an image without transparency: in front of white."""
    if not _is_transparent(image):
        return image if image.mode in ("L", "RGB") else image.convert("RGB")
    layer = image.convert("RGBA")
    white = library.new("RGBA", layer.size, "white")
    return library.alpha_composite(white, layer).convert("RGB")
