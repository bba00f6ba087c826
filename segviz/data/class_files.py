"""Read lists of classes: plain names, id2label.json, CVAT's labelmap.txt, names with colours."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..errors import InputError, guard
from ..runtime.files import decode_text, read_file
from .classes import CLASSES, ClassList, comparable
from .voc_palette import Colour

__all__ = ["read_classes"]

MAX_BYTES = 1_000_000
BACKGROUND = comparable(CLASSES[0])

FORMS = (
    "one name a line, CVAT's labelmap.txt, or JSON: a list of names, id2label, or"
    ' [{"name": ..., "colour": [R, G, B]}, ...]'
)


def read_classes(path: Path) -> ClassList:
    """Read a list of classes.

    Accepted are

    - text with one name a line, in the order of the ids;
    - CVAT's `labelmap.txt`, `NAME:R,G,B::` a line: masks hold these colours;
    - JSON: a list of names; a list of objects with `name` and perhaps `colour` and `id`; an object
      of ids and names (`id2label` of Hugging Face, also inside its `config.json`), of names and
      ids, or of names and colours; an object with `classes` and perhaps `colours`, such as a card.

    A colour is three numbers from 0 to 255, or "#rrggbb". The spelling "color" is accepted.

    Arguments:
        path: The file.

    Raises:
        InputError: If the file cannot be read, or holds no list of classes.
    """
    data = read_file(path, "the file of classes", MAX_BYTES, f"give {FORMS}")
    with guard(f"the file of classes {path} cannot be read", f"give {FORMS}"):
        try:
            text = decode_text(data)
            if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "["):
                return _from_json(_json(text))
            return _from_lines(text.splitlines())
        except InputError as error:
            reason = str(error).rstrip(".")
            raise InputError(
                f"in the file of classes {path}, {reason}; it may be {FORMS}."
            ) from error


def _json(text: str) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from error


def _from_lines(lines: Sequence[str]) -> ClassList:
    lines = [line.strip() for line in lines]
    while lines and not lines[-1]:
        lines = lines[:-1]
    lines = [line for line in lines if not line.startswith("#")]
    if "" in lines:
        raise ValueError(f"line {lines.index('') + 1} is empty, so that later ids are uncertain")
    if any(re.fullmatch(r"[^:]+:\d+,\d+,\d+:.*", line) for line in lines):
        return _from_labelmap(lines)
    if lines and all(re.match(r"\d+\s*[\s:,;=]\s*\S", line) for line in lines):
        raise ValueError(f"lines begin with numbers, such as {lines[0][:40]!r}")
    return ClassList(tuple(lines))


def _from_labelmap(lines: Sequence[str]) -> ClassList:
    """Read CVAT's lines `NAME:R,G,B:PARTS:ACTIONS`; background comes first, as everywhere here."""
    classes = []
    for line in lines:
        name, _, rest = line.partition(":")
        colour = rest.partition(":")[0].split(",")
        if not all(part.strip().isdecimal() for part in colour):
            raise ValueError(f"the line {line[:60]!r} has no colour R,G,B after the name")
        classes.append((name.strip(), _colour([int(part) for part in colour])))
    classes.sort(key=lambda each: comparable(each[0]) != BACKGROUND)
    return ClassList(tuple(name for name, _ in classes), tuple(colour for _, colour in classes))


def _from_json(data: Any) -> ClassList:  # noqa: ANN401
    if isinstance(data, Mapping):
        for key in ("id2label", "classes", "labels", "categories"):
            if isinstance(data.get(key), (Mapping, list)):
                colours = next((data[k] for k in ("colours", "colors") if data.get(k)), None)
                return _with_colours(_from_json(data[key]), colours)
        return _from_object(data)
    if not isinstance(data, list) or not data:
        raise ValueError("there is no list of classes")
    if all(isinstance(each, str) for each in data):
        return ClassList(tuple(data))
    return _from_objects(data)


def _from_objects(data: list[Any]) -> ClassList:
    names, colours, ids = [], [], []
    for each in data:
        if not isinstance(each, Mapping) or not isinstance(each.get("name"), str):
            raise ValueError(f"{repr(each)[:60]} has no name")
        names.append(each["name"])
        colour = each.get("colour", each.get("color"))
        colours.append(None if colour is None else _colour(colour))
        ids.append(each.get("id"))
    known = [colour for colour in colours if colour is not None]
    if known and len(known) < len(names):
        raise ValueError(f"{names[colours.index(None)]!r} has no colour, but others have")
    if all(id is None for id in ids):
        return ClassList(tuple(names), tuple(known) or None)
    return _by_id(ids, names, known)


def _from_object(data: Mapping[str, Any]) -> ClassList:
    """Read an object of ids and names, of names and ids, or of names and colours."""
    keys, values = list(data), list(data.values())
    if values and all(isinstance(value, str) for value in values):
        if all(re.fullmatch(r"\d{1,5}", key) for key in keys):
            return _by_id([int(key) for key in keys], values)
        if all(re.fullmatch(r"#[0-9A-Fa-f]{6}", value) for value in values):
            return ClassList(tuple(keys), tuple(map(_colour, values)))
    if values and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return _by_id(values, keys)
    if values and all(isinstance(value, list) for value in values):
        return ClassList(tuple(keys), tuple(map(_colour, values)))
    raise ValueError("the object is none of ids and names, names and ids, names and colours")


def _by_id(ids: list[Any], names: list[str], colours: Sequence[Colour] = ()) -> ClassList:
    """Return classes in the order of the ids that masks hold for them."""
    for id in ids:
        if not isinstance(id, int) or isinstance(id, bool) or not 0 <= id <= 65535:
            raise ValueError(f"{repr(id)[:20]} is not an id from 0 to 65535")
    order = sorted(range(len(ids)), key=ids.__getitem__)
    found = tuple(ids[place] for place in order)
    return ClassList(
        tuple(names[place] for place in order),
        tuple(colours[place] for place in order) if colours else None,
        None if found == tuple(range(len(found))) else found,
    )


def _with_colours(classes: ClassList, colours: Any) -> ClassList:  # noqa: ANN401
    if colours is None:
        return classes
    if not isinstance(colours, list):
        raise ValueError("the colours are not a list")
    return ClassList(classes.names, tuple(map(_colour, colours)), classes.mask_ids)


def _colour(value: Any) -> Colour:  # noqa: ANN401
    """Return a colour given as [R, G, B] or "#rrggbb"."""
    if isinstance(value, str) and re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        value = list(bytes.fromhex(value[1:]))
    if (
        not isinstance(value, list)
        or len(value) != 3
        or not all(isinstance(part, int) and 0 <= part <= 255 for part in value)
    ):
        raise ValueError(f"{repr(value)[:40]} is not a colour [R, G, B] or #rrggbb")
    red, green, blue = value
    return red, green, blue
