"""Decode untrusted image files within limits of format and size."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import InputError

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_RATIO",
    "MIN_SIDE",
    "DecodedImage",
    "decode",
    "upright_size",
]

FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "BMP": "BMP", "TIFF": "TIFF"}
"""The formats accepted: Pillow's names and those for people. Pillow's other decoders, some forty,
never see an upload."""

MAX_BYTES = 20_000_000
"""The largest file size, of files given as bytes."""

MAX_PIXELS = 25_000_000
MAX_RATIO = 20
"""The largest ratio of the long side to the short side."""

MIN_SIDE = 16
"""The shortest side in pixels."""

_TILE_WIDTH, _TILE_LENGTH, _PHOTOMETRIC = 322, 323, 262  # tags of TIFF
_ORIENTATION = 274  # tag of EXIF

# Warning filters belong to the process, so that two threads must not swap them at the same time.
_FILTERS = threading.Lock()


class DecodedImage(NamedTuple):
    """The first frame of an image file, and how the file stored it."""

    image: Image.Image  # upright by its EXIF orientation
    format: str  # Pillow's name of the format
    raw_mode: str  # Pillow's name of the pixels in the file, such as "L;4" for 4 bits; or ""
    several: bool  # a TIFF of several frames
    white_is_zero: bool  # a TIFF whose values are inverted


def decode(source: bytes | Path, noun: str) -> DecodedImage:
    """Decode an image file; format and size are checked before any pixel is decoded.

    Arguments:
        source: The bytes of the file, or its path.
        noun: What errors call the file, "photo" or "mask".

    Raises:
        InputError: If the file is missing, empty, damaged or in another format, or exceeds one of
            this module's limits.
    """
    if not isinstance(source, bytes):
        return _decode_path(Path(source), noun)
    if not source:
        raise InputError(f"the {noun} is empty (0 bytes); choose another file.")
    if len(source) > MAX_BYTES:
        raise InputError(
            f"the {noun} has {len(source):,} bytes, more than the limit of {MAX_BYTES:,}; "
            f"scale it down or compress it more."
        )
    return _decode_stream(BytesIO(source), f"the {noun}")


@contextmanager
def _pillow_warnings() -> Iterator[None]:
    """Silence Pillow's warnings of damaged metadata; turn that of a decompression bomb to an error.

    Our own limit on pixels is below Pillow's.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _decode_path(path: Path, noun: str) -> DecodedImage:
    try:
        if path.exists() and not path.is_file():
            kind = "folder" if path.is_dir() else "device or a pipe"
            raise InputError(f"the {noun} {path} is a {kind}; give the path of an image file.")
        with path.open("rb") as stream:
            if not stream.read(1):
                raise InputError(f"the {noun} {path} is empty (0 bytes); choose another file.")
            stream.seek(0)
            return _decode_stream(stream, f"the {noun} {path}")
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"the {noun} {path} cannot be read ({reason}); check the path and its permissions."
        ) from error


def _decode_stream(stream: BinaryIO, subject: str) -> DecodedImage:
    with _pillow_warnings():
        try:
            image = Image.open(stream, formats=tuple(FORMATS))
            _check_size(image, subject)
            form, raw_mode = image.format or "", _raw_mode(image)
            white_is_zero = form == "TIFF" and _tag(image, _PHOTOMETRIC, 1) == 0
            several = form == "TIFF" and _has_second_frame(image)
            image.load()
            # A decoder may learn the true size only now.
            _check_size(image, subject)
        except InputError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            count = re.search(r"\d+", str(error))
            found = f"{int(count[0]):,}" if count else "too many"
            raise InputError(
                f"{subject} has {found} pixels, more than the limit of {MAX_PIXELS:,}; scale it"
                " down."
            ) from error
        except UnidentifiedImageError as error:
            *names, last = FORMATS.values()
            raise InputError(
                f"{subject} is damaged or not an image in one of the formats {', '.join(names)} and"
                f" {last}; save it as a PNG or JPEG."
            ) from error
        except Exception as error:
            # On damaged files Pillow's decoders raise anything from struct.error to SyntaxError.
            raise InputError(
                f"{subject} is damaged or cut off ({error}); save or download it again."
            ) from error
        return DecodedImage(_upright(image), form, raw_mode, several, white_is_zero)


def upright_size(path: Path, noun: str) -> tuple[int, int]:
    """Return the size (H, W) of an upright image from its header, without decoding pixels.

    Raises:
        InputError: As `decode`, as far as the header tells.
    """
    try:
        with _pillow_warnings(), Image.open(path, formats=tuple(FORMATS)) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
    except Exception:  # `decode` tells what is wrong
        upright = decode(path, noun).image
        return upright.height, upright.width
    return (width, height) if turned else (height, width)


def _check_size(image: Image.Image, subject: str) -> None:
    width, height = image.size
    size = f"{subject} is {width:,} x {height:,} pixels (width x height)"
    if width * height > MAX_PIXELS:
        raise InputError(f"{size}, more than the limit of {MAX_PIXELS:,} in all; scale it down.")
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{size}, less than {MIN_SIDE} on a side; choose a larger image.")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise InputError(f"{size}, longer than {MAX_RATIO} to 1; crop it.")
    tile = _tag(image, _TILE_WIDTH) * _tag(image, _TILE_LENGTH)
    if tile > MAX_PIXELS:
        raise InputError(
            f"{subject} has TIFF tiles of {tile:,} pixels, more than the limit of {MAX_PIXELS:,}; "
            f"save it as a PNG."
        )


def _raw_mode(image: Image.Image) -> str:
    """Return Pillow's name of the pixels in the file of an image that is not loaded, or ""."""
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        if arguments and isinstance(arguments[0], str):
            return arguments[0]
    return ""


def _has_second_frame(image: Image.Image) -> bool:
    try:
        image.seek(1)
    except EOFError:
        return False
    image.seek(0)
    return True


def _tag(image: Image.Image, tag: int, default: int = 0) -> int:
    value = getattr(image, "tag_v2", {}).get(tag, default)
    return value if isinstance(value, int) else default


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image  # a photo with unreadable metadata is still a photo
