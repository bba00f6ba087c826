"""Decode untrusted image files within limits of format and size."""

import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import InputError, guard
from ..runtime.files import open_regular
from . import heif

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_RATIO",
    "MAX_SCANS",
    "MIN_SIDE",
    "DecodedImage",
    "decode",
    "guard_pixels",
    "stored_values",
    "upright_size",
]

FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "BMP": "BMP", "TIFF": "TIFF"}
"""The formats accepted: Pillow's names and those for people. Pillow's other decoders, some forty,
never see an upload. HEIC is read as well where the package pillow-heif is installed."""

MAX_BYTES = 20_000_000
"""The largest file size, of files given as bytes."""

MAX_PIXELS = 25_000_000
MAX_RATIO = 20
"""The largest ratio of the long side to the short side."""

MIN_SIDE = 16
"""The shortest side in pixels."""

MAX_SCANS = 32
"""The largest number of scans of a JPEG: each takes the time of a whole picture. Encoders write up
to 14."""

LOSSY = ("jpeg", "tiff_jpeg", "webp")
"""Pillow's names of the compressions of TIFF that change pixels."""

_TILE_WIDTH, _TILE_LENGTH, _PHOTOMETRIC, _SAMPLE_FORMAT = 322, 323, 262, 339  # tags of TIFF
_ORIENTATION = 274  # tag of EXIF

_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])")
"""A marker of JPEG with a segment: neither a stuffed byte nor a restart."""
_END, _SCAN = 0xD9, 0xDA

_ResultT = TypeVar("_ResultT")


class DecodedImage(NamedTuple):
    """The first frame of an image file, and how the file stored it."""

    image: Image.Image  # upright by its EXIF orientation
    format: str  # Pillow's name of the format
    raw_mode: str  # Pillow's name of the pixels in the file, such as "L;4" for 4 bits; or ""
    several: bool  # a TIFF of several frames
    white_is_zero: bool  # a TIFF whose values are inverted
    unsigned: bool  # a TIFF of unsigned integers, which Pillow takes as signed if they have 32 bits
    lossy: bool  # a JPEG, or a TIFF compressed as one


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


def guard_pixels(
    work: Callable[[DecodedImage], _ResultT], decoded: DecodedImage, subject: str
) -> _ResultT:
    """Return what a function makes of the pixels; whatever Pillow raises becomes an `InputError`.

    Arguments:
        work: The function.
        decoded: Its argument.
        subject: What errors call the file.

    Raises:
        InputError: If the function raises anything.
    """
    with _quiet_pillow(), guard(f"{subject} is damaged or cut off", "save or download it again"):
        return work(decoded)


def stored_values(decoded: DecodedImage) -> np.ndarray:
    """Return the values of an image of one channel, shape (H, W), of the type that the file has."""
    values = np.array(decoded.image)
    return values.view(np.uint32) if decoded.unsigned and values.dtype == np.int32 else values


class _QuietPillow:
    """Silences Pillow's warnings of damaged metadata while any thread decodes.

    Warning filters belong to the process: the first thread in sets them, the last one out restores
    them, and none waits for another. Our own limits are below Pillow's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = 0
        self._filters: warnings.catch_warnings | None = None

    def enter(self) -> None:
        with self._lock:
            self._threads += 1
            if self._filters is None:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")

    def leave(self) -> None:
        with self._lock:
            self._threads -= 1
            if self._threads == 0 and self._filters is not None:
                self._filters.__exit__(None, None, None)
                self._filters = None


_PILLOW = _QuietPillow()


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    _PILLOW.enter()
    try:
        yield
    finally:
        _PILLOW.leave()


def _decode_path(path: Path, noun: str) -> DecodedImage:
    remedy = "give the path of an image file that you may read"
    with open_regular(path, f"the {noun}", remedy) as stream:
        if not stream.read(1):
            raise InputError(f"the {noun} {path} is empty (0 bytes); choose another file.")
        stream.seek(0)
        return _decode_stream(stream, f"the {noun} {path}")


def _decode_stream(stream: BinaryIO, subject: str) -> DecodedImage:
    try:
        with (
            _quiet_pillow(),
            guard(f"{subject} is damaged or cut off", "save or download it again"),
        ):
            return _open(stream, subject)
    except InputError as error:
        cause = error.__cause__
        if isinstance(cause, Image.DecompressionBombError):
            count = re.search(r"\d+", str(cause))
            found = f"{int(count[0]):,}" if count else "too many"
            raise InputError(
                f"{subject} has {found} pixels, more than the limit of {MAX_PIXELS:,}; scale it"
                " down."
            ) from cause
        if isinstance(cause, UnidentifiedImageError):
            stream.seek(0)
            if heif.is_heif(stream.read(12)) and not heif.has_decoder():
                raise InputError(
                    f"{subject} is a HEIC image, which needs the package pillow-heif, which is not"
                    " installed; run pip install pillow-heif, or save it as a JPEG."
                ) from cause
            *names, last = FORMATS.values()
            raise InputError(
                f"{subject} is damaged or not an image in one of the formats {', '.join(names)} and"
                f" {last}; save it as a PNG or JPEG."
            ) from cause
        raise


def _open(stream: BinaryIO, subject: str) -> DecodedImage:
    image = Image.open(stream, formats=_formats(stream))
    _check_size(image, subject)
    form, raw_mode = image.format or "", _raw_mode(image)
    if form in ("JPEG", "MPO"):
        place = stream.tell()
        stream.seek(0)
        _check_scans(stream.read(), subject)
        stream.seek(place)
    if image.mode == "P" and image.palette is None:
        raise InputError(f"{subject} has no palette, which its pixels need; save it again.")
    tiff = form == "TIFF"
    white_is_zero = tiff and _tag(image, _PHOTOMETRIC, 1) == 0
    unsigned = tiff and getattr(image, "tag_v2", {}).get(_SAMPLE_FORMAT, (1,))[0] == 1
    lossy = form in ("JPEG", "MPO", heif.HEIF) or (tiff and image.info.get("compression") in LOSSY)
    several = tiff and _has_second_frame(image)
    image.load()
    # A decoder may learn the true size only now.
    _check_size(image, subject)
    return DecodedImage(_upright(image), form, raw_mode, several, white_is_zero, unsigned, lossy)


def _formats(stream: BinaryIO) -> tuple[str, ...]:
    """Return Pillow's names of the formats that a file may have."""
    place = stream.tell()
    header = stream.read(12)
    stream.seek(place)
    if heif.is_heif(header) and heif.has_decoder():
        return (heif.HEIF,)
    return tuple(FORMATS)


def _check_scans(data: bytes, subject: str) -> None:
    """Check the number of scans of a JPEG before any is decoded."""
    scans, place = 0, 2
    while match := _MARKER.search(data, place):
        marker = match[1][0]
        if marker == _END:
            break
        scans += marker == _SCAN
        if scans > MAX_SCANS:
            raise InputError(
                f"{subject} is a JPEG of more than {MAX_SCANS} scans, the limit; save it again as a"
                " JPEG or PNG."
            )
        place = match.end() + int.from_bytes(data[match.end() : match.end() + 2], "big")


def upright_size(path: Path, noun: str) -> tuple[int, int]:
    """Return the size (H, W) of an upright image from its header, without decoding pixels.

    Raises:
        InputError: As `decode`, as far as the header tells.
    """
    try:
        with (
            open_regular(path, noun, "give an image file") as stream,
            _quiet_pillow(),
            Image.open(stream, formats=_formats(stream)) as image,
        ):
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
        raise InputError(
            f"{size}, {width * height:,} pixels, more than the limit of {MAX_PIXELS:,} in all;"
            " scale it down."
        )
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
