"""Match the classes of a data set with those of a network, and say how."""

from collections.abc import Mapping, Sequence

from ..data.class_map import ClassMap, MappedImages
from ..data.classes import IGNORE, ClassList
from ..data.dataset import DataSet
from ..data.folders import FolderImages
from ..data.mask_survey import MaskSurvey, survey_masks
from ..errors import InputError

__all__ = ["match_classes"]


def match_classes(
    data: DataSet,
    ids: Sequence[str],
    classes: ClassList,
    given: Mapping[str, str | None] | None = None,
) -> tuple[DataSet, list[str]]:
    """Bring the truth of a data set to the classes of a network.

    Arguments:
        data: The data set; of folders, the masks are read first, at most 300.
        ids: The images that are used.
        classes: The classes of the network.
        given: The name of the network's class for some classes of the data, None = ignore.

    Returns:
        The data set in the classes of the network, and sentences about it.

    Raises:
        InputError: If a mask cannot be used, or no class of the data is one of the network.
    """
    notes, survey = [], None
    if isinstance(data, FolderImages):
        notes = [data.unmatched] if data.unmatched else []
        if not data.has_truth:
            return data, notes
        survey = survey_masks(data, ids)
        notes.append(survey.describe())
    map = ClassMap.by_name(data.classes, classes, given)
    if map.is_identity:
        return data, notes
    notes.append(f"classes of the data -> classes of the network: {map.describe()}.")
    if map.ignored:
        notes.append(_ignored(map, survey))
    return MappedImages(data, map), notes


def _ignored(map: ClassMap, survey: MaskSurvey | None) -> str:
    """Return a sentence about the classes that the network does not know."""
    names = []
    for label in map.ignored:
        share = "" if survey is None else f" ({survey.share(label):.1%} of the pixels)"
        names.append(map.data.names[label] + share)
    if survey is not None and not any(
        survey.pixels[label] for label in range(len(map.data)) if map.targets[label] != IGNORE
    ):
        raise InputError(
            f"the masks hold no class of the network, only {', '.join(names)}; map these by"
            " --class-map FILE."
        )
    return (
        f"the network does not know {len(names)} of the {len(map.data)} classes of the data, whose"
        f" pixels are ignored: {', '.join(names)}; --class-map FILE maps them."
    )
