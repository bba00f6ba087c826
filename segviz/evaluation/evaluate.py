"""Evaluate methods over a data set, from Python and from the command line."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from .. import metrics
from ..adapt.settings import Settings
from ..data import voc
from ..data.class_map import read_class_map
from ..data.classes import ClassList
from ..data.dataset import DataSet
from ..data.folders import FolderImages, open_folders
from ..data.images import LONG_SIDE
from ..data.splits import subset, voc_images
from ..errors import InputError
from ..network.checkpoint import DEFAULT, Checkpoint, load
from ..network.engines.encoders import prepare_engine
from ..runtime.device import choose_device
from ..runtime.distributed import TaskQueue
from ..validation import check_range
from .class_matching import match_classes
from .measured_method import MeasuredMethod, parse_methods
from .measurement import MethodMeasurement, collect, measure_images, plan_measurements
from .results import EvaluationResult
from .row_store import RowStore
from .summary import summarise

__all__ = ["ImageProgress", "choose_images", "evaluate_dataset", "evaluate_images"]


@dataclass(frozen=True)
class ImageProgress:
    """How far an evaluation is.

    Arguments:
        done: The number of images that all processes have finished.
        total: The number of images.
        scale: The scale of `confusion`.
        confusion: Returns the confusion matrix of the first measurement over the images so far,
            shape (K, K), int64; it reads files, so call it now and then only.
        measuring: The method and scale that this process is at, or "" between two images.
    """

    done: int
    total: int
    scale: float
    confusion: Callable[[], np.ndarray]
    measuring: str = ""

    def miou(self) -> float:
        """Return the mIoU of the first measurement over the images so far, 0..1, or NaN."""
        return metrics.mean_iou(self.confusion())


def evaluate_dataset(
    network: Checkpoint | str | None = None,
    voc_root: str | Path = ".",
    split: str | None = None,
    limit: int | None = None,
    scales: Sequence[float] = (1, 3),
    methods: Sequence[str] = ("feedforward", "entropy"),
    variables: Sequence[str] | None = None,
    steps: Sequence[int] = (32,),
    rows: str | Path | None = None,
    *,
    images: str | Path | None = None,
    masks: str | Path | None = None,
    classes: str | Path | ClassList | None = None,
    ignore: int | None = None,
    reduce_zero_label: bool = False,
    class_map: str | Path | Mapping[str, str | None] | None = None,
    long_side: int | None = LONG_SIDE,
    device: str = "auto",
    engine: str = "torch",
    by_image: bool = True,
    calibration: bool = False,
    tile: int = 0,
    command: str = "",
    tasks: TaskQueue | None = None,
    on_progress: Callable[[ImageProgress], None] = lambda _: None,
    on_note: Callable[[str], None] = lambda _: None,
    **settings: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Measure methods at scales over a split of PASCAL VOC 2012, or over folders of images.

    The classes of the data are those of the network of the same name; others are ignored.

    Ctrl-C ends the evaluation early: the result then covers the images so far, and "complete" is
    False.

    Arguments:
        network: A network, its name, path or spelling, or None for the default one.
        voc_root: The folder VOC2012, or one that contains it; the working directory by default.
        split: A split such as "val", the default, or the path of a .txt file of ids; of folders,
            only the latter.
        limit: Measure a fixed random subset of at most this many images; None = all.
        scales: The resize factors of the photos, each 0.25 to 8.
        methods: Spellings of methods, such as "feedforward" or "entropy:centred".
        variables: The parameters that every method adapts in turn, names in `VARIABLES`; None = the
            default of each method.
        steps: The numbers of updates to measure after, each 0 to 512.
        rows: A folder that keeps the rows of each image; another evaluation with the same folder
            measures only what is missing. None = keep nothing.
        images: A folder of photos, in place of VOC.
        masks: The folder of their masks; None = no truth: only entropy is measured, and IoU and
            accuracy are None.
        classes: The classes of the masks, or a file of them; None = those of the network.
        ignore: The id of pixels to ignore in masks; None = 255.
        reduce_zero_label: Whether id 0 of masks is ignored and id k stands for class k - 1.
        class_map: The name of the network's class for classes of the data, None = ignore, where the
            names differ; or a JSON file of these.
        long_side: What the long side of larger photos in `images` is reduced to, by default the
            resolution of VOC; None = nothing.
        device: Where to load a network that is given by name: auto, cpu, cuda or mps.
        engine: What runs the frozen part, a name in `ENGINES`; rows of each engine are kept apart.
        by_image: Whether the result has the numbers of each image.
        calibration: Whether to measure ECE, NLL, Brier score, AUROC and AURC, too; rows without
            their bins are measured again.
        tile: The side of the overlapping tiles that larger inputs are cut into, in pixels, as that
            of `Settings`; 0 = none.
        command: The command to state in the result.
        tasks: Hands the images to the processes that share them; None = this process alone.
        on_progress: Called in the leading process before the first and after each image, and before
            each method at each scale.
        on_note: Called in the leading process with sentences about the data.
        settings: Values of `Method` that the spellings do not give, such as learning_rate.

    Returns:
        The object that `segviz evaluate --json --by-image` prints: "images", "results" with a
        dictionary per scale, method, variables and steps, and more. Only "complete" in processes
        that do not lead the others.

    Raises:
        InputError: If an argument is invalid, or no image can be measured.
    """
    data: DataSet
    if images is None:
        data = voc_images(voc.find_root(voc_root), split or "val")
    else:
        names = Path(classes) if isinstance(classes, str) else classes
        data = open_folders(
            Path(images),
            None if masks is None else Path(masks),
            names,
            ignore,
            reduce_zero_label,
            split,
            long_side=long_side,
        )
    ids = choose_images(data, limit)
    given = read_class_map(Path(class_map)) if isinstance(class_map, str | Path) else class_map
    parsed = parse_methods(methods, variables, steps, **settings)
    if not data.has_truth:
        _refuse_methods_with_truth(parsed, data)
    plan_measurements(scales, parsed, 1)  # invalid settings fail before the network is loaded
    Settings(tile=tile)
    tasks = tasks or TaskQueue()
    if tasks.world_size > 1 and rows is None:
        raise InputError(
            f"{tasks.world_size} processes share the work, but have no folder for their rows;"
            " give --out."
        )
    if not isinstance(network, Checkpoint):
        network = load(network or DEFAULT, choose_device(device))
    if tile and engine not in ("auto", "torch"):
        raise InputError(
            f"tiles are encoded by torch, but the engine is {engine!r}; leave one out."
        )
    if tile:
        engine = "torch"
    if engine != "torch":
        engine = prepare_engine(network.network, engine).name
    if isinstance(data, FolderImages) and classes is None:
        data = data.with_classes(network.class_list)
    data, notes = match_classes(data, ids, network.class_list, given)
    if tasks.is_main:
        for note in notes:
            on_note(note)
    parsed = parse_methods(methods, variables, steps, network.network.groups, **settings)
    measurements = plan_measurements(scales, parsed, network.network.classes)
    with ExitStack() as stack:
        folder = rows or stack.enter_context(tempfile.TemporaryDirectory())
        failed, complete = evaluate_images(
            network,
            data,
            ids,
            measurements,
            Path(folder),
            tasks,
            on_progress,
            calibration,
            tile,
            engine,
        )
    if not tasks.is_main:
        return {"complete": complete}
    model = summarise(network, measurements, failed, by_image, engine)
    result = EvaluationResult(
        **msgspec.structs.asdict(model), split=data.name, command=command, complete=complete
    )
    return msgspec.json.decode(msgspec.json.encode(result))


def _refuse_methods_with_truth(methods: Sequence[MeasuredMethod], data: DataSet) -> None:
    for each in methods:
        if each.method.info.needs_truth:
            raise InputError(
                f"the method {each.method.spelling} needs truth, but {data.name} is given without;"
                " give --masks, or leave the method out."
            )


def choose_images(data: DataSet, limit: int | None) -> list[str]:
    """Return the ids of a data set, or of a fixed random subset of it.

    Raises:
        InputError: If there are none, or the limit is below 1.
    """
    if not data.ids:
        raise InputError(f"the list {data.name} has no ids; give another --split.")
    if limit is None:
        return list(data.ids)
    check_range("--limit", limit, 1)
    return subset(data.ids, limit)


def evaluate_images(
    checkpoint: Checkpoint,
    data: DataSet,
    ids: Sequence[str],
    measurements: Sequence[MethodMeasurement],
    folder: Path,
    tasks: TaskQueue,
    on_progress: Callable[[ImageProgress], None] = lambda _: None,
    calibration: bool = False,
    tile: int = 0,
    engine: str = "torch",
) -> tuple[dict[str, str], bool]:
    """Measure what is missing in a folder of rows, then add all its rows to the measurements.

    Only the leading process reports progress and adds the rows. Ctrl-C ends it early.

    Returns:
        By id of the images that could not be measured, the reason; and whether it ran to its end.

    Raises:
        InputError: If no image could be measured, or another process was lost.
    """
    first, chosen = measurements[0].key, set(map(data.row_key, ids))
    complete = True
    classes = checkpoint.network.classes
    with closing(
        RowStore(
            folder,
            checkpoint.sha256,
            classes,
            tasks.rank,
            checkpoint.gate_hash,
            f"{engine}, tiles of {tile}" if tile else engine,
        )
    ) as store:

        def confusion() -> np.ndarray:
            return store.running_confusion(first, chosen)

        done = 0

        def report(count: int | None = None, measuring: str = "") -> None:
            nonlocal done
            if tasks.is_main:
                done = tasks.completed() if count is None else count
                on_progress(ImageProgress(done, len(ids), first.scale, confusion, measuring))

        def report_method(scale: float, method: str) -> None:
            report(done, f"{method} at {scale:g}x")

        try:
            report(0)
            measure_images(
                checkpoint,
                data,
                ids,
                measurements,
                store,
                tasks,
                report,
                calibration=calibration,
                tile=tile,
                engine=engine,
                on_method=report_method,
            )
            report()
        except KeyboardInterrupt:
            complete = False
        if not tasks.is_main:
            return {}, complete
        failed = collect(store, data, ids, measurements)
    images = len(measurements[0].images)
    lost = len(ids) - images - len(failed)
    if lost and complete:
        raise InputError(
            f"{lost} of {len(ids)} images were lost with the process that measured them; run the"
            " same command again."
        )
    if not images and complete:
        name, reason = next(iter(failed.items()))
        raise InputError(f"none of the {len(ids)} images could be used: {name}: {reason}")
    return failed, complete
