"""Instructive runs, and the settings that the controls start from."""

from dataclasses import dataclass

from segviz.adapt import Settings

__all__ = ["OPENING", "PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """A run on a sample.

    Arguments:
        label: What it shows, on a button.
        icon: The button's icon.
        sample: The name of the sample.
        settings: The settings of the run.
        hint: What to look at, in one sentence.
    """

    label: str
    icon: str
    sample: str
    settings: Settings
    hint: str


# The first is the run of the first screen: its settings are the defaults of all controls.
PRESETS = {
    "gain": Preset(
        "A gain",
        ":material/trending_up:",
        "astronaut",
        Settings(scale=3.0, steps=32, method="entropy"),
        "Press play and watch the right-wrong map: false patches around the astronaut vanish while"
        " entropy falls and sigma grows, although nobody tells the network what is on the photo.",
    ),
    "nothing": Preset(
        "No effect",
        ":material/trending_flat:",
        "horse",
        Settings(scale=1.0, steps=32, method="entropy"),
        "At the scale of training the network is right and sure already: entropy falls a little"
        " along the outlines, and the prediction stays what it was.",
    ),
    "collapse": Preset(
        "A collapse",
        ":material/trending_down:",
        "cat",
        Settings(scale=1.0, steps=32, method="entropy"),
        "Compare entropy and IoU: within a few steps the cat is everywhere, which is the surest"
        " answer and the wrong one. Centred updates (Optimiser) hold it for a while.",
    ),
    "sizes": Preset(
        "Other sizes",
        ":material/photo_size_select_small:",
        "coffee",
        Settings(scale=3.0, method="pyramid:gate:entropy"),
        "The photo is read at 3x, 1.5x and 0.75x. A gate weighs the sizes at steps 1 and 2, by how"
        " sure each is; then entropy descends on one bias a size. Scale read shows which won.",
    ),
}

OPENING = PRESETS["gain"]
