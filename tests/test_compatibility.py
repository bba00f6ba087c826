"""What this version wrote is read by every later one: records, cards and addresses in golden/.

The files are never made again. Where the format of records is raised, the earlier ones stay here,
and are read or refused in one sentence with the remedy.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from pages.state import query_params
from segviz.errors import InputError
from segviz.network import checkpoint
from segviz.runs.archive import read_zip

GOLDEN = Path(__file__).parent / "golden"

ADDRESSES = {
    "photo=sample:cat&scale=1&method=entropy-few&variables=score&rate=0.002&tolerance=0.01": {
        "photo": "sample:cat",
        "scale": 1.0,
        "method": "entropy-few",
        "variables": "score",
        "learning_rate": 0.002,
        "tolerance": 0.01,
    },
    "objective=oracle&steps=8&centred=1&step=3&pins=10x20_3x4&panels=overlay_prediction": {
        "method": "oracle",
        "steps": 8,
        "centred": True,
        "step": 3,
        "pins": ((10, 20), (3, 4)),
        "panels": ("photo", "prediction"),
    },
    "methods=feedforward_entropy,oracle&scales=1_1.5": {
        "methods": ("feedforward", "entropy", "oracle"),
        "scales": (1.0, 1.5),
    },
    "grid_variables=score_both&grid_rates=0.001_0.01&grid_steps=1_3&optimiser=sgd&momentum=0.5": {
        "grid_variables": ("score", "both"),
        "grid_learning_rates": (0.001, 0.01),
        "grid_steps": (1, 3),
        "optimiser": "sgd",
        "momentum": 0.5,
    },
    "photo=voc:2007_000033&stop=drift&alpha=0.5&checkpoint=mobilenetv2_100-voc-noaug": {
        "photo": "voc:2007_000033",
        "stop": "drift",
        "alpha": 0.5,
        "checkpoint": "mobilenetv2_100-voc-noaug",
    },
}


def test_a_record_of_format_3():
    record = read_zip((GOLDEN / "record-3.zip").read_bytes())
    assert record.title == "golden" and record.last == 2 and record.complete
    assert record.settings.spelling.startswith("entropy") and record.settings.scale == 1.0
    assert record.photo.shape == (32, 48, 3) and (record.truth == 8).sum() == 320
    assert record.steps[-1]["entropy"] == pytest.approx(2.182487, abs=1e-6)
    assert np.unique(record.labels).max() < len(record.classes) == 21


def test_a_record_of_a_later_format_is_refused_with_the_remedy(tmp_path):
    shutil.unpack_archive(GOLDEN / "record-3.zip", tmp_path)
    facts = next(tmp_path.glob("*.json"))
    facts.write_bytes(facts.read_bytes().replace(b'"format": 3', b'"format": 99', 1))
    with pytest.raises(InputError, match=r"format 99.* use the segviz version"):
        from segviz.runs.record import Record

        Record.load(facts)


def test_a_card(tmp_path):
    shutil.copy(GOLDEN / "card.json", tmp_path / "tiny.json")
    (tmp_path / "tiny.safetensors").touch()
    card = checkpoint.read_card(str(tmp_path / "tiny.safetensors"))
    assert card["architecture"]["backbone"] == "test_efficientnet"
    assert len(card["classes"]) == 21 and card["parameters"] == 252146


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses(text):
    query = dict(part.split("=", 1) for part in text.split("&"))
    found, notices = query_params.read(query)
    assert found == ADDRESSES[text] and notices == []
