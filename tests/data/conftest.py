"""Copies of the miniature VOC."""

import shutil

import pytest


@pytest.fixture
def copy(voc_root, tmp_path):
    """The miniature VOC, to be written to."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    shutil.copytree(voc_root, root)
    return root


@pytest.fixture
def bare(copy):
    """The miniature VOC before SBD."""
    shutil.rmtree(copy / "SegmentationClassAug")
    (copy / "ImageSets" / "Segmentation" / "trainaug.txt").unlink()
    return copy
