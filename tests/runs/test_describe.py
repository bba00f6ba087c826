"""Records in words."""

import re
from dataclasses import replace

import pytest

from segviz.adapt import Settings
from segviz.runs import describe


def test_settings_are_a_sentence(record):
    text = "entropy on score and scale, scale 1, 3 steps, learning rate 0.001"
    assert describe.run(record) == describe.settings(record.settings) == text
    feedforward = replace(record, settings=Settings(scale=1.5, steps=0))
    assert describe.run(feedforward) == "feedforward, scale 1.5"
    odd = Settings(
        scale=2, steps=9, centred=True, tolerance=0.01, learning_rate=3e-4, precision="bfloat16"
    )
    text = describe.run(replace(record, settings=odd, complete=False))
    for part in ("0.0003", "centred", "tolerance 0.01", "bfloat16", "stopped after step 3"):
        assert part in text


def test_runs_are_described_by_what_they_share():
    runs = [Settings(variables="all", steps=1), Settings(variables="score", steps=1, scale=2)]
    assert describe.settings(*runs) == "entropy, 1 step, learning rate 0.001"
    runs = [Settings(scale=2), Settings(scale=2, method="oracle"), Settings(scale=1, steps=0)]
    text = "on score and scale, scale 2, 32 steps, learning rate 0.001"
    assert describe.settings(*runs) == text
    assert describe.settings(Settings(steps=0), Settings(steps=0, scale=1)) == "feedforward"
    assert describe.settings(Settings(variables="all")).startswith("entropy on all parameters,")


def test_short_names():
    assert describe.short_name(Settings(method="oracle", variables="scale")) == "oracle, scale"
    assert describe.short_name(Settings(steps=0)) == "feedforward"


def test_a_run_is_stopped_if_steps_are_missing(record):
    assert not describe.stopped(record)
    at_the_end = replace(record, complete=False)
    assert not describe.stopped(at_the_end)
    assert describe.stopped(replace(at_the_end, steps=record.steps[:-1]))


def test_captions_tell_step_and_numbers(record, unjudged):
    step = record.steps[2]
    assert describe.caption(record, 2) == (
        f"step 2 of 3 · loss {step['loss']:.4g} · entropy {step['entropy']:.3f} nats"
        f" · IoU {step['iou']:.3f}"
    )
    assert "IoU" not in describe.caption(unjudged, 2)
    assert "agreement vs. 1x" in describe.caption(unjudged, 2)
    nothing = tuple({**step, "loss": None, "iou": None} for step in record.steps)
    assert describe.caption(replace(record, steps=nothing), 0).count("·") == 1


def test_provenance_names_the_checkpoint_and_the_versions(record):
    text = describe.origin(record)
    assert (
        text.startswith("checkpoint tiny.safetensors (")
        and record.environment["sha256"][:12] in text
    )
    assert describe.origin(replace(record, environment={}))  # nothing is known, nothing fails


@pytest.mark.parametrize(
    ("title", "want"),
    [
        ("Cat, close up", "cat-close-up"),
        ("IMG_0001.JPG", "img-0001"),
        ("../../etc/passwd", "etc-passwd"),
        ("Zoë's café.png", "zoe-s-cafe"),
        ("小猫.jpg", "photo"),
        ("a\0b\nc", "a-b-c"),
        ("", "photo"),
        ("x" * 300, "x" * 40),
    ],
)
def test_stems_are_safe_names(record, title, want):
    stem = describe.file_stem(replace(record, title=title))
    assert re.fullmatch(rf"segviz-{want}-1x-entropy-both-3-steps-[0-9a-f]{{6}}", stem)


def test_stems_tell_settings_apart(record):
    variants = [
        Settings(scale=1.0, steps=3),
        Settings(scale=1.5, steps=3),
        Settings(scale=1.0, steps=0),
        Settings(scale=1.0, steps=3, method="entropy-marginal"),
        Settings(scale=1.0, steps=3, variables="score"),
        Settings(scale=1.0, steps=3, learning_rate=3e-4),
        Settings(scale=1.0, steps=3, centred=True),
        Settings(scale=1.0, steps=3, tolerance=0.01),
        Settings(scale=1.0, steps=3, precision="bfloat16"),
    ]
    stems = [describe.file_stem(replace(record, settings=settings)) for settings in variants]
    assert len(set(stems)) == len(variants)
    assert all(re.fullmatch(r"[A-Za-z0-9.-]+", stem) for stem in stems)


def test_stems_tell_photos_checkpoints_and_titles_apart(record):
    environment = {**record.environment, "sha256": "0" * 64}
    runs = [
        record,
        replace(record, photo=record.photo[::-1]),
        replace(record, truth=record.truth[::-1]),
        replace(record, environment=environment),
        replace(record, title="\u732b.jpg"),
        replace(record, title="\u72ac.jpg"),
        replace(record, title="shapes.png"),
        replace(record, title="shapes.jpg"),
    ]
    assert len({describe.file_stem(run) for run in runs}) == len(runs)
    assert describe.file_stem(record) == describe.file_stem(replace(record))


def test_plain_text_is_one_short_line():
    assert describe.one_line(" a\n\tb\x07c\u202ed ") == "a b c d"
    assert describe.one_line("x" * 99, 10) == "x" * 9 + "…"
