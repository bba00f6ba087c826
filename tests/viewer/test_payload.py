"""Records to the viewer's message, decoded here as a browser does."""

import dataclasses
import io
import json
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.network.receptive_field_size import extent
from segviz.pictures import maps
from segviz.pictures.panels import OPACITY
from segviz.runs.run import Run
from segviz.viewer import MAX_PINS, PANEL_NAMES, NamedRecord
from segviz.viewer.encoder import KEY_EVERY, Encoder
from segviz.viewer.payload import payload
from tests.adapt.conftest import gate_card
from tests.records import first_steps


@pytest.fixture(scope="module")
def record(trained, photo, truth):
    """A run longer than a group of steps."""
    settings = Settings(scale=1.5, steps=KEY_EVERY + 2, learning_rate=0.02)
    return Run(trained, photo, settings, truth, "two shapes").all()


@pytest.fixture(scope="module")
def other(trained, photo):
    """A shorter run without truth."""
    return Run(trained, photo, Settings(scale=1.0, steps=2), title="two shapes").all()


def chunk(made, place):
    offset, length = place
    assert offset >= 0 and offset + length <= len(made.frames)
    return made.frames[offset : offset + length]


def steps(made, places):
    """All steps of a track, shape (T + 1, n)."""
    found = []
    for step, place in enumerate(places):
        values = np.frombuffer(zlib.decompress(chunk(made, place)), np.uint8)
        found.append(values + found[-1] if step % made.head["keyEvery"] else values)
    return np.stack(found)


def unpacked(message):
    """Head and frames of a message."""
    (length,) = struct.unpack("<I", message[:4])
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def test_every_map_of_every_step_comes_back(record, other):
    made = payload([NamedRecord(record, "a"), NamedRecord(other, "b")])
    for entry, source in zip(made.head["runs"], (record, other), strict=True):
        blocks = steps(made, entry["steps"])
        count, area, (h, w) = len(source.steps), 72 * 56, entry["grid"]
        assert blocks.shape == (count, area + 2 * h * w + -(-h * w // 8))
        labels, entropy, sigma, bits = np.split(blocks, [area, area + h * w, area + 2 * h * w], 1)
        assert np.array_equal(labels.reshape(source.labels.shape), source.labels)
        assert np.array_equal(entropy.reshape(count, h, w), source.entropy.codes)
        assert np.array_equal(sigma.reshape(count, h, w), source.sigma.codes)
        selected = np.unpackbits(bits, axis=1, count=h * w).astype(bool)
        assert np.array_equal(selected.reshape(count, h, w), source.selected)


def test_log_probabilities_of_likely_classes_come_last(record):
    made = payload([NamedRecord(record, "a")])
    (entry,) = made.head["runs"]
    part = entry["probabilities"]
    codes = record.log_probabilities.codes
    span = (part["high"] - part["low"]) / 255
    highest = part["low"] + span * codes.max(axis=(0, 2, 3))
    must = np.flatnonzero(np.exp(highest - span) > 0.01)
    assert set(must) <= set(part["classes"]) <= set(np.flatnonzero(np.exp(highest + span) > 0.01))
    got = steps(made, part["steps"]).reshape(codes[:, part["classes"]].shape)
    assert np.array_equal(got, codes[:, part["classes"]])
    assert max(sum(place) for place in entry["steps"]) <= min(at for at, _ in part["steps"])


def test_pictures_and_positions(record):
    made = payload([NamedRecord(record, "a")])
    (entry,) = made.head["runs"]
    photo = np.array(Image.open(io.BytesIO(chunk(made, entry["photo"]))))
    assert np.array_equal(photo, record.photo)
    truth = np.frombuffer(zlib.decompress(chunk(made, entry["truth"])), np.uint8)
    assert np.array_equal(truth.reshape(record.truth.shape), record.truth)
    for name, want in zip(("rows", "columns"), record.positions, strict=True):
        got = np.frombuffer(zlib.decompress(chunk(made, entry[name])), "<f4")
        assert np.array_equal(got, want)


def test_head_is_json_and_says_what_there_is(record, other):
    made = payload([NamedRecord(record, "first"), NamedRecord(other, "second")])
    head = json.loads(json.dumps(made.head, allow_nan=False))
    assert (head["width"], head["height"]) == (72, 56)
    assert [run["name"] for run in head["runs"]] == ["first", "second"]
    run = head["runs"][0]
    assert run["title"] == "two shapes" and run["scale"] == 1.5
    assert run["numbers"]["entropy"] == record.numbers("entropy")
    assert head["maxPins"] == MAX_PINS and head["opacity"] == OPACITY
    panels = {panel["id"]: panel for panel in head["panels"]}
    assert list(panels) == [name for name in PANEL_NAMES if name != "scale-read"] and set(
        head["defaultPanels"]
    ) <= set(panels)
    assert panels["receptive-field"]["map"] == "sigma" and panels["truth"]["needsTruth"]
    assert all(panel["title"][0].isupper() and panel["help"] for panel in panels.values())
    present = {one["id"]: one for one in head["classes"]}
    assert set(present) == set(maps.classes_in(record)) | set(maps.classes_in(other))
    assert present[8] == {"id": 8, "name": "cat", "colour": [64, 0, 0]}
    assert [one["key"] for one in head["numbers"]] == [
        "iou",
        "accuracy",
        "agreement",
        "entropy",
        "sigma",
        "loss",
        "changed",
    ]


def test_several_sizes_have_a_map_and_a_weight_each(trained, photo, truth, record):
    settings = Settings(method="pyramid:rule", scale=8.0)
    several = Run(trained, photo, settings, truth, "two shapes").all()
    head = payload([NamedRecord(record, "a"), NamedRecord(several, "b")]).head
    assert [list(run["maps"]) for run in head["runs"]] == [
        ["entropy", "sigma"],
        ["entropy", "sigma", "sizes"],
    ]
    assert head["maps"]["sizes"]["title"] == "Scale read" and head["maps"]["sizes"]["unit"] == "x"
    assert {"scale-read"} <= {panel["id"] for panel in head["panels"]}
    weights = [one["key"] for one in head["numbers"] if one["title"].startswith("Weight of")]
    assert weights == ["weight 8", "weight 4", "weight 2"]
    lines = [head["runs"][1]["numbers"][key] for key in weights]
    assert np.allclose(np.sum(lines, 0), 1) and [line[0] for line in lines] == [1, 0, 0]
    assert set(head["runs"][0]["numbers"][weights[0]]) == {None}


def test_a_mirror_image_has_a_weight_of_its_own(trained, photo, truth):
    checkpoint = dataclasses.replace(trained, card={**trained.card, "gate": gate_card()})
    settings = Settings(method="pyramid:five", scale=8.0)
    five = Run(checkpoint, photo, settings, truth, "two shapes").all()
    (entry,) = (head := payload([NamedRecord(five, "a")]).head)["runs"]
    weights = {one["key"]: one["title"] for one in head["numbers"] if "weight" in one["key"]}
    sizes = ("8", "4", "2.83", "2", "2, mirrored")
    assert list(weights) == [f"weight {size}" for size in sizes]
    assert weights["weight 2, mirrored"] == "Weight of 2x, mirrored"
    lines = [entry["numbers"][key] for key in weights]
    assert np.allclose(np.sum(lines, 0), 1) and lines[3][-1] == lines[4][-1]


def test_receptive_field_sizes_are_linear_between_what_is_sent(record):
    (entry,) = payload([NamedRecord(record, "a")]).head["runs"]
    sigmas, sizes = entry["receptiveField"]["sigmas"], entry["receptiveField"]["sizes"]
    sigma = np.linspace(0, sigmas[-1], 33)
    want = extent(torch.from_numpy(sigma / record.stride), record.stride)
    assert np.interp(sigma, sigmas, sizes) == pytest.approx(want.numpy())


def test_only_truth_is_sent_as_truth(other):
    assert other.reference == "1x prediction" and other.truth is not None
    head = payload([NamedRecord(other, "a")]).head
    assert head["runs"][0]["truth"] is None
    assert {"iou", "accuracy"}.isdisjoint(one["key"] for one in head["numbers"])


def test_losses_of_different_objectives_are_not_put_side_by_side(record):
    oracle = dataclasses.replace(
        record, settings=dataclasses.replace(record.settings, method="oracle")
    )
    for runs, there in (([record, record], True), ([record, oracle], False)):
        head = payload([NamedRecord(run, "run") for run in runs]).head
        assert ("loss" in [one["key"] for one in head["numbers"]]) is there


def test_colours_are_those_of_the_exports(record, other):
    head = payload([NamedRecord(record, "a"), NamedRecord(other, "b")]).head
    for name in ("entropy", "sigma"):
        limits = [maps.limits_of(getattr(one, name)) for one in (record, other)]
        want = (min(low for low, _ in limits), max(high for _, high in limits))
        assert head["maps"][name]["limits"] == want
        tops = [maps.limits_of(getattr(record, name), step)[1] for step in range(len(record.steps))]
        assert head["runs"][0]["maps"][name]["tops"] == tops
        table = np.array(head["maps"][name]["table"]).reshape(256, 3)
        assert (table == maps.colour_table(name)).all()


def test_what_runs_share_is_sent_once(record):
    one, two = (payload([NamedRecord(record, "a")] * count) for count in (1, 2))
    assert len(two.frames) == len(one.frames)


def test_growing_runs_code_only_what_is_new(record):
    coded = []

    def counting(data, level):
        coded.append(len(data) > 72 * 56)  # the maps of a step, not its probabilities
        return zlib.compress(data, level)

    encoder, last = Encoder(counting), len(record.steps)
    for count, fresh in ((3, 3), (4, 1), (4, 0), (last, last - 4)):
        coded.clear()
        made = payload([NamedRecord(first_steps(record, count), "a")], encoder)
        assert sum(coded) == fresh
        assert made == payload([NamedRecord(first_steps(record, count), "a")])


def test_an_encoder_caches_no_more_than_the_last_payload_used(record, other):
    encoder, fresh = Encoder(), Encoder()
    payload([NamedRecord(record, "a")], encoder)
    payload([NamedRecord(other, "b")], encoder)
    payload([NamedRecord(other, "b")], fresh)
    assert encoder.cached == fresh.cached


def test_a_packed_message_names_its_content(record, other):
    first, second = (payload([NamedRecord(run, "a")]) for run in (record, other))
    packed = first.pack(growing=True)
    (length,) = struct.unpack("<I", packed[:4])
    head = json.loads(packed[4 : 4 + length])
    assert packed[4 + length :] == first.frames and head["growing"] is True
    ids = {
        json.loads(p.pack()[4 : 4 + struct.unpack("<I", p.pack()[:4])[0]])["id"]
        for p in (first, second)
    }
    assert len(ids) == 2 and head["id"] in ids


def test_a_run_of_one_step(record):
    made = payload([NamedRecord(first_steps(record, 1), "a")])
    assert len(made.head["runs"][0]["steps"]) == 1


def test_photos_of_two_sizes_are_refused(trained, record):
    small = np.zeros((40, 50, 3), np.uint8)
    second = Run(trained, small, Settings(scale=1.0, steps=0)).all()
    with pytest.raises(InputError, match=r"72 x 56 and 50 x 40 pixels; show them one after"):
        payload([NamedRecord(record, "a"), NamedRecord(second, "b")])
    with pytest.raises(InputError, match="no run to show; give at least one"):
        payload([])


def test_33_steps_of_a_500_x_375_photo_at_3x_stay_under_4_mb(record):
    """Maps as rough as those of a network: smooth, with noise, drifting from step to step."""
    rng = np.random.default_rng(0)
    h, w, count = 71, 95, 33
    y, x = np.mgrid[0:h, 0:w]
    rough = rng.normal(0, 1.5, (count, 1, h, w)).cumsum(0) + rng.normal(0, 8, (1, 21, h, w))
    drift = np.arange(count)[:, None, None, None]
    field = 120 + 80 * np.sin(x / 9 + 0.03 * drift) * np.cos(y / 7) + rough
    codes = field.clip(0, 255).astype(np.uint8)  # (33, 21, h, w)
    grown = np.kron(codes[:, 0] > 120, np.ones((6, 6), bool))[:, :375, :500]
    big = dataclasses.replace(
        record,
        photo=rng.normal(128, 20, (375, 500, 1)).clip(0, 255).astype(np.uint8).repeat(3, 2),
        truth=(15 * grown[0]).astype(np.uint8),
        steps=tuple(record.steps[0] for _ in range(count)),
        labels=(15 * grown).astype(np.uint8),
        entropy=dataclasses.replace(record.entropy, codes=codes[:, 1]),
        sigma=dataclasses.replace(record.sigma, codes=codes[:, 2]),
        selected=codes[:, 3] > 128,
        log_probabilities=dataclasses.replace(record.log_probabilities, codes=codes),
        positions=tuple(
            np.linspace(0, n - 1, size).astype(np.float32) for n, size in ((h, 375), (w, 500))
        ),
    )
    made = payload([NamedRecord(big, "a")])
    assert len(made.head["runs"][0]["probabilities"]["classes"]) == 21
    assert len(made.frames) + len(json.dumps(made.head)) < 4e6
