"""Draw one method of a result at one scale: its classes, and its images to open on Iterate."""

from collections.abc import Callable, Sequence
from typing import Literal

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from segviz.adapt.method import FEEDFORWARD, Method
from segviz.adapt.settings import Settings
from segviz.charts import per_image as charts
from segviz.data import voc
from segviz.data.classes import CLASSES
from segviz.errors import InputError
from segviz.evaluation.against_paper import variant_label
from segviz.evaluation.correlation import Changes, changes
from segviz.evaluation.paper_tables import OURS
from segviz.evaluation.results import MethodResult, ModelResult, ResultFile
from segviz.jobs import catalogue
from segviz.network import checkpoint
from segviz.viewer import ViewState

from ..actions import launch
from ..state import controls, query_params
from ..state.photos import data_set, voc_root
from ..state.session import session
from ..state.text import plain, sentence
from .folder_browser import folder_thumbnail
from .voc_browser import voc_thumbnail

__all__ = ["details", "run_values"]

THUMBNAIL = 64
"""The width of the photos beside gains and losses, in CSS pixels."""

MOST = 10
"""The number of images listed for gains, and for losses."""

FIRST_SCALE = 3.0
"""The scale chosen first: the paper's main case."""

Measure = Literal["iou", "accuracy"]
NAMES: dict[Measure, str] = {"iou": "IoU", "accuracy": "pixel accuracy"}


def details(result: ResultFile, model: str) -> None:
    """Draw the choice of method and scale, then the classes and images of both.

    Arguments:
        result: The result.
        model: The name of the network in it.
    """
    part = result.models[model]
    variants = [variant for variant in part.variants if variant.method != FEEDFORWARD]
    if not variants or not any(part.feedforward(scale) for scale in part.scales):
        return
    st.subheader("By class and image", divider="gray")
    place = f"{result.table}_{model}"
    left, middle, right = st.columns([5, 5, 3])
    before = controls.get(f"bench_kind_{place}")
    ours = next((variant for variant in variants if variant[:2] == OURS), variants[0])
    variant = left.selectbox(
        "Method",
        variants,
        variants.index(before if before in variants else ours),
        format_func=lambda variant: variant_label(variant, True),
        key=controls.key(f"bench_kind_{place}"),
        help="The objective, variables and steps to compare with feedforward at the same scale.",
    )
    chosen = controls.get(f"bench_scale_{place}", FIRST_SCALE)
    scale = middle.segmented_control(
        "Scale",
        part.scales,
        default=chosen if chosen in part.scales else part.scales[-1],
        format_func=lambda scale: f"{scale:g}x",
        key=controls.key(f"bench_scale_{place}"),
        required=True,
        help="Resize factor of the photos before the network; 1 = the scale of training.",
    )
    measure: Measure = (
        right.segmented_control(
            "By image",
            list(NAMES),
            default=controls.get(f"bench_measure_{place}", "iou"),
            format_func=lambda measure: NAMES[measure],
            key=controls.key(f"bench_measure_{place}"),
            required=True,
            help="The IoU of an image is the mean over the classes in its truth or prediction;"
            " pixel accuracy is the share of pixels that are right.",
        )
        or "iou"
    )
    row, base = part.result(scale, variant), part.feedforward(scale)
    if row is None or base is None:
        st.caption("This was not measured at this scale.")
        return
    found = changes(part, row, measure)
    bars, points = st.columns(2, gap="large")
    with bars:
        _classes(base, row, part.classes or CLASSES, place)
    with points:
        if found is None or not found.ids:
            st.caption(
                "The result has no numbers by image; `segviz evaluate --by-image` writes them."
            )
            return
        _points(found, NAMES[measure], place)
    _images(result.split, part, row, found, NAMES[measure])


def _classes(base: MethodResult, row: MethodResult, names: Sequence[str], place: str) -> None:
    st.markdown("**Classes** :gray[gain and loss of IoU, in points]")
    alt = "Gain and loss of IoU by class, sorted"
    _chart(charts.class_bars(base, row, names), f"bench_classes_{place}", alt)


def _points(found: Changes, name: str, place: str) -> None:
    st.markdown(f"**Does lower entropy mean higher {name}?** :gray[one point an image]")
    change, level = st.tabs(["By adaptation", "Before adaptation"], key=f"bench_tabs_{place}")
    with change:
        alt = f"Change of {name} against change of mean entropy, by image"
        _chart(charts.scatter_changes(found, name), f"bench_changes_{place}", alt)
        st.markdown(charts.describe_changes(found, name))
    with level:
        alt = f"{name} of feedforward against its mean entropy, by image"
        _chart(charts.scatter_levels(found, name), f"bench_levels_{place}", alt)
        st.markdown(charts.describe_levels(found, name))


def _chart(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=key, config={"displaylogo": False}, alt=alt)


# === Images


def _images(split: str, part: ModelResult, row: MethodResult, found: Changes, name: str) -> None:
    """Draw the images that gained and lost most, as buttons that open them on Iterate."""
    address, why = _addresses(split, part, row)
    signs: tuple[tuple[Literal[1, -1], str], ...] = ((1, "gained"), (-1, "lost"))
    for column, (sign, title) in zip(st.columns(2, gap="large"), signs, strict=True):
        with column.container(gap="xxsmall"):
            st.markdown(f"**Images that {title} most** :gray[{name} in %, entropy in nats]")
            places = found.most(sign, MOST)
            if not places:
                st.caption(f"No image {title}.")
            for place in places:
                _image(part, row, found, place, address)
    if why:
        st.caption(f":material/link_off: The images cannot be opened here. {why}")
    elif session().request is not None:
        st.caption("The images can be opened once the runs in progress have ended.")


def _image(
    part: ModelResult,
    row: MethodResult,
    found: Changes,
    place: int,
    address: Callable[[str], str | None] | None,
) -> None:
    """Draw the button and the numbers of an image.

    Arguments:
        part: The network's part of the result.
        row: The method.
        found: The changes of all images.
        place: The place of the image in `found`.
        address: Returns the source of an image, or None if it is missing; None if no image can be
            opened.
    """
    id = found.ids[place]
    change = float(found.change[place])
    photo = None if address is None else address(id)
    picture, button, numbers, entropy = st.columns([2, 4, 5, 5], vertical_alignment="center")
    if photo is not None:
        _thumbnail(picture, photo, id)
    if button.button(
        plain(id),
        key=f"bench_open_{id}",
        icon=None if photo is None else ":material/open_in_new:",
        type="tertiary",
        disabled=photo is None or session().request is not None,
        help="Watch this run on the page Iterate."
        if photo is not None or address is None
        else "The folder does not have this image.",
    ):
        assert photo is not None, "the button is disabled without a photo"
        launch.request_run("iterate", run_values(part, row, photo), ViewState(step=row.steps))
        st.switch_page("iterate.py")
    colour = "green" if change > 0 else "red"
    numbers.markdown(
        f"{100 * found.before[place]:.1f} → {100 * found.after[place]:.1f}"
        f" :{colour}[**{change:+z.1f}**]"
    )
    entropy.markdown(
        f":gray[entropy {found.entropy_before[place]:.3f} → {found.entropy_after[place]:.3f}]"
    )


def _thumbnail(place: DeltaGenerator, source: str, id: str) -> None:
    """Draw a photo in small, if it can be read."""
    kind, _, name = source.partition(":")
    try:
        if kind == "voc":
            data = voc_thumbnail(voc_root(), name)
        else:
            data = folder_thumbnail(data_set(name.partition("/")[0]), source, id)
    except InputError:
        return
    place.image(data, width=THUMBNAIL, alt=f"The photo {id}")


def _addresses(
    split: str, part: ModelResult, row: MethodResult
) -> tuple[Callable[[str], str | None] | None, str]:
    """Return what finds the source of an image by its id, or why no image can be opened."""
    name = part.checkpoint
    try:
        run_values(part, row, "any")
        if name not in catalogue.networks():
            return None, f"The checkpoint {plain(name)} is not on this server."
        if split.startswith("data:"):
            files = data_set(split.removeprefix("data:")).images.files
            return lambda id: f"{split}/{id}" if id in files else None, ""
        root = voc_root()
        return lambda id: f"voc:{id}" if voc.has_photo(root, id) else None, ""
    except InputError as error:
        return None, sentence(error)


def run_values(part: ModelResult, row: MethodResult, photo: str) -> dict:
    """Return the run of a row on a photo, as values of query parameters.

    Arguments:
        part: The network's part of the result.
        row: The method.
        photo: The source of the photo.

    Raises:
        InputError: If the row's settings cannot be read.
    """
    settings = Method.parse(row.method, variables=row.variables, steps=row.steps)
    chosen = query_params.values_of(Settings.of(settings, 1.0))
    del chosen["scale"]
    return {
        **query_params.defaults(),
        **chosen,
        "scale": row.scale,
        "photo": photo,
        "checkpoint": part.checkpoint or checkpoint.DEFAULT,
    }
