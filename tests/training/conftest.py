"""Tiny trainers on the miniature VOC."""

from dataclasses import replace

import pytest

from segviz.data.voc import VocImages
from segviz.network import checkpoint
from segviz.training.trainer import Trainer
from tests.miniature import calibrated
from tests.training.tiny import IDS, RECIPE, TINY


@pytest.fixture
def make(voc_root, tmp_path):
    """Return a function that makes trainers on six images: 4 updates of 2 samples."""

    def make(out="out", architecture=TINY, ids=IDS, values=None, **recipe):
        return Trainer(
            VocImages(voc_root, "train", ids),
            architecture,
            replace(RECIPE, **recipe),
            tmp_path / out,
            **{"loaders": 0, **(values or {})},
        )

    return make


@pytest.fixture(scope="session")
def finished(voc_root, tmp_path_factory):
    """A tiny training that has run to its end. To be read only."""
    trainer = Trainer(
        VocImages(voc_root, "train", IDS), TINY, RECIPE, tmp_path_factory.mktemp("run"), loaders=0
    )
    trainer.run()
    return trainer


@pytest.fixture(scope="session")
def teacher_path(tmp_path_factory):
    """The weights file of a tiny random network, its card beside it. To be read only."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    checkpoint.save(calibrated(replace(TINY, channels=12)), path, {"name": "teacher"})
    return path
