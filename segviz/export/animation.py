"""A run as a moving picture: GIF for everywhere, WebP for every colour."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from ..data.classes import pack_rgb
from ..pictures import maps, panels
from ..pictures.lettering import PAPER
from ..pictures.panels import PANELS
from ..runs.record import Record
from .animation_frame import Stage
from .contact_sheet import spread

__all__ = ["HOLD", "STEP", "gif", "webp"]

STEP = 120
"""Milliseconds a step is shown."""
HOLD = 1500
"""Milliseconds the first and the last step are shown."""

SHOWN = ("photo", "prediction", "truth", "entropy", "receptive-field", "right-wrong")
GREYS, RAMP = 12, 56  # palette entries for letters, and for each colour map
MAX_FRAMES, MAX_BYTES = 129, 256 << 20  # of frames in memory; 33 steps always fit
FREE = 255  # entries in all: Pillow needs one more for the pixels that a frame leaves as they are


def gif(record: Record, steps: Sequence[int] = (), names: Sequence[str] = ()) -> bytes:
    """An animated GIF that loops; the first and the last step stay for a while.

    Runs of more than some hundred steps are thinned out evenly; the frames say their steps. Its 255
    colours: the label colours that occur, exactly; those of the right-wrong map, exactly;
    entropy and sigma in 56 shades each; the rest for the photo, dithered.

    Arguments:
        record: The record.
        steps: Which steps, none: all.
        names: Which of `PANELS`; none: photo, prediction, entropy and receptive field, and with
            truth that and the right-wrong map.

    Raises:
        InputError: If there is no such step or panel.
    """
    shown, chosen, stage = _choice(record, steps, names)
    palette = _Palette(record, chosen, shown)
    images = map(palette.image, _frames(stage, shown, palette))
    buffer = io.BytesIO()
    next(images).save(
        buffer,
        "GIF",
        save_all=True,
        append_images=images,
        duration=_durations(len(shown)),
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def webp(record: Record, steps: Sequence[int] = (), names: Sequence[str] = ()) -> bytes:
    """An animated WebP that loops, lossless: every panel has the record's own colours.

    The arguments and errors are those of `gif`.
    """
    shown, _, stage = _choice(record, steps, names)
    images = [Image.fromarray(frame) for frame in _frames(stage, shown)]
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=images[1:],
        duration=_durations(len(images)),
        loop=0,
        lossless=True,
        quality=0,
        method=1,  # method 0 is four times as fast, and its files are three times as large
        kmax=0,  # frames hold only what changed, always
    )
    return buffer.getvalue()


def _choice(
    record: Record, steps: Sequence[int], names: Sequence[str]
) -> tuple[list[int], list[str], Stage]:
    there = panels.choose(record)
    chosen = panels.choose(record, names or [name for name in SHOWN if name in there])
    shown = spread(record, steps or range(record.last + 1))
    stage = Stage(record, chosen)
    most = max(2, min(MAX_FRAMES, MAX_BYTES // stage.bytes))
    if len(shown) > most:
        shown = [shown[i] for i in np.linspace(0, len(shown) - 1, most).round().astype(int)]
    return shown, chosen, stage


def _durations(count: int) -> list[int]:
    return [HOLD if i in (0, count - 1) else STEP for i in range(count)]


def _frames(
    stage: Stage, steps: Sequence[int], palette: "_Palette | None" = None
) -> Iterator[np.ndarray]:
    record = stage.record
    still: dict[str, np.ndarray] = {}
    for step in steps:
        pictures = []
        for name in stage.names:
            picture = still.get(name)
            if picture is None:
                picture = PANELS[name].picture(record, step)
                if palette is not None and name in PHOTOS:
                    picture = palette.reduced(picture)
                if not PANELS[name].changes:
                    still[name] = picture
            pictures.append(picture)
        yield stage.frame(step, pictures)


PHOTOS = ("photo", "overlay")


class _Palette:
    """The colours of a GIF, and the code of every RGB colour that its frames hold."""

    def __init__(self, record: Record, names: Sequence[str], steps: Sequence[int]) -> None:
        exact = [colour for colour, _ in panels.legend(record)]
        if "right-wrong" in names:
            exact += maps.OUTCOMES.values()
        greys = np.linspace(0, 255, GREYS).round().astype(np.uint8)[:, None].repeat(3, 1)
        wide = np.arange(256, dtype=np.uint8)[:, None].repeat(3, 1)
        ramps = [(wide, greys)]
        for name in names:
            if bar := panels.bar(record, name):
                full = maps.colour_table(bar[0])
                ramps.append((full, full[np.linspace(0, 255, RAMP).round().astype(int)]))
        fixed = [*exact, PAPER, *(tuple(c) for _, few in ramps for c in few.tolist())]
        colours = list(dict.fromkeys(fixed))
        photos = [
            PANELS[name].picture(record, step)
            for name in names
            if name in PHOTOS
            for step in sorted({steps[0], steps[len(steps) // 2], steps[-1]})
        ]
        self.photo: Image.Image | None = None
        if photos:
            room = FREE - len(colours)
            montage = Image.fromarray(np.concatenate(photos))
            self.photo = montage.quantize(room, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            found = np.array(self.photo.getpalette(), np.uint8).reshape(-1, 3)
            colours = list(dict.fromkeys([*colours, *map(tuple, found.tolist())]))
        self.colours = np.zeros((256, 3), np.uint8)
        self.colours[: len(colours)] = colours
        self._table = np.zeros(1 << 24, np.uint8)
        where = {colour: code for code, colour in enumerate(colours)}
        for full, few in ramps:  # a colour between two shades takes the nearer
            near = np.linspace(0, len(few) - 1, 256).round().astype(int)
            self._table[pack_rgb(full)] = [where[tuple(few[i].tolist())] for i in near]
        self._table[pack_rgb(np.array(colours, np.uint8))] = np.arange(len(colours))

    def reduced(self, picture: np.ndarray) -> np.ndarray:
        """A photo in the palette's colours, dithered."""
        assert self.photo is not None
        image = Image.fromarray(picture).quantize(
            palette=self.photo, dither=Image.Dither.FLOYDSTEINBERG
        )
        return np.array(image.convert("RGB"))

    def image(self, frame: np.ndarray) -> Image.Image:
        """A frame (H, W, 3) as a palette image."""
        image = Image.fromarray(self._table[pack_rgb(frame)])
        image.putpalette(self.colours.tobytes())
        return image
