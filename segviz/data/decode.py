"""An image file that nobody vouches for, decoded within limits."""

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_RATIO",
    "MIN_SIDE",
    "decode",
]

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from ..errors import InputError

# Pillow reads some forty formats; the rest of its decoders never see an upload.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
MAX_RATIO = 20
MIN_SIDE = 16

_NAMES = "JPEG, PNG, WebP, BMP and TIFF"
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TILE_WIDTH, _TILE_LENGTH, _ORIENTATION = 322, 323, 274

# Warning filters belong to the process, so two threads must not swap them at the same time.
_FILTERS = threading.Lock()


def decode(source: bytes | Path, noun: str) -> tuple[Image.Image, str]:
    r"""Reads an image file, checking format and size before any pixel is decoded.

    Arguments:
        source: The bytes of the file, or its path.
        noun: What the file is called in errors, "photo" or "mask".

    Returns:
        The first frame, loaded and turned upright by its EXIF orientation, and the format's name
        as Pillow gives it.

    Raises:
        InputError: If there is no such file, if it is empty, damaged or in another format, or if
            it is beyond one of the limits above.
    """
    if not isinstance(source, bytes):
        return _from_path(Path(source), noun)
    if not source:
        raise InputError(f"The {noun} is empty (0 bytes); choose another file.")
    if len(source) > MAX_BYTES:
        raise InputError(
            f"The {noun} has {len(source):,} bytes, more than the limit of {MAX_BYTES:,}; "
            f"scale it down or compress it more."
        )
    return _from_stream(BytesIO(source), f"The {noun}")


@contextmanager
def _quiet() -> Iterator[None]:
    # Pillow warns about damaged metadata; a bomb is refused below Pillow's own limit anyway.
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _from_path(path: Path, noun: str) -> tuple[Image.Image, str]:
    try:
        if path.exists() and not path.is_file():
            kind = "folder" if path.is_dir() else "device or a pipe"
            raise InputError(f"The {noun} {path} is a {kind}; give the path of an image file.")
        with path.open("rb") as stream:
            if not stream.read(1):
                raise InputError(f"The {noun} {path} is empty (0 bytes); choose another file.")
            stream.seek(0)
            return _from_stream(stream, f"The {noun} {path}")
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"The {noun} {path} cannot be read ({reason}); check the path and its permissions."
        ) from error


def _from_stream(stream: BinaryIO, what: str) -> tuple[Image.Image, str]:
    with _quiet():
        try:
            image = Image.open(stream, formats=FORMATS)
            _check_size(image, what)
            form = image.format or ""
            image.load()
            # A plugin may learn the true size only now.
            _check_size(image, what)
        except InputError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            count = re.search(r"\d+", str(error))
            found = f"{int(count[0]):,}" if count else "too many"
            raise InputError(
                f"{what} has {found} pixels, more than the limit of {MAX_PIXELS:,}; scale it down."
            ) from error
        except UnidentifiedImageError as error:
            raise InputError(
                f"{what} is damaged or not an image in one of the formats {_NAMES}; "
                f"save it as a PNG or JPEG."
            ) from error
        except Exception as error:
            # On damaged files Pillow's decoders raise anything from struct.error to SyntaxError.
            raise InputError(
                f"{what} is damaged or cut off ({error}); save or download it again."
            ) from error
        return _upright(image), form


def _check_size(image: Image.Image, what: str) -> None:
    width, height = image.size
    size = f"{what} is {width:,} x {height:,} pixels (width x height)"
    if width * height > MAX_PIXELS:
        raise InputError(f"{size}, more than the limit of {MAX_PIXELS:,} in all; scale it down.")
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{size}, less than {MIN_SIDE} on a side; choose a larger image.")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise InputError(f"{size}, longer than {MAX_RATIO} to 1; crop it.")
    tile = _tag(image, _TILE_WIDTH) * _tag(image, _TILE_LENGTH)
    if tile > MAX_PIXELS:
        raise InputError(
            f"{what} has TIFF tiles of {tile:,} pixels, more than the limit of {MAX_PIXELS:,}; "
            f"save it as a PNG."
        )


def _tag(image: Image.Image, tag: int) -> int:
    value = getattr(image, "tag_v2", {}).get(tag, 0)
    return value if isinstance(value, int) else 0


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        # A photo with unreadable metadata is still a photo.
        turn = None
    return image if turn is None else image.transpose(turn)
