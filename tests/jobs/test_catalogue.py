"""What the operator of a server offers: networks and folders, checked before the start."""

import os

import pytest

from segviz.errors import InputError
from segviz.jobs import catalogue
from segviz.network import checkpoint
from tests import own_images
from tests.foreign_network import write_network


@pytest.fixture(autouse=True)
def nothing_offered(monkeypatch):
    for variable in (catalogue.NETWORKS, catalogue.DATA_SETS):
        monkeypatch.setenv(variable, "")


def test_shipped_networks_come_first_and_each_once(monkeypatch, checkpoint_path):
    monkeypatch.setenv(catalogue.NETWORKS, f" {checkpoint_path}, {checkpoint.DEFAULT} ,,")
    assert catalogue.networks() == [*checkpoint.names(), str(checkpoint_path)]
    assert catalogue.networks()[0] == checkpoint.DEFAULT


def test_offers_add_to_the_environment(monkeypatch, tmp_path, checkpoint_path):
    spelling = write_network(tmp_path)
    own_images.write(tmp_path, 1)
    monkeypatch.setenv(catalogue.NETWORKS, "tv:lraspp_mobilenet_v3_large")
    catalogue.offer([str(checkpoint_path), spelling], [f"mine={tmp_path}"])
    assert os.environ[catalogue.NETWORKS].split(",") == [
        "tv:lraspp_mobilenet_v3_large",
        str(checkpoint_path),
        spelling,
    ]
    assert catalogue.data_sets() == {"mine": tmp_path}


@pytest.mark.parametrize(
    ("spellings", "folders", "words"),
    [
        (["absent"], [], "no checkpoint 'absent'"),
        (["py:absent.py:build"], [], "py:absent.py:build names no file"),
        (["hf:a,b"], [], "'hf:a,b' has a comma"),
        ([], ["street"], "'street' is no folder with a name; write NAME=DIR"),
        ([], ["my street=."], "NAME is 1 to 30 letters"),
        ([], ["street=/nowhere"], "/nowhere does not exist"),
    ],
)
def test_what_is_not_there_is_refused_before_the_start(spellings, folders, words):
    with pytest.raises(InputError, match=words):
        catalogue.offer(spellings, folders)
    assert not os.environ[catalogue.NETWORKS] and not os.environ[catalogue.DATA_SETS]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("mobilenetv2_100-voc", "mobilenetv2_100-voc"),
        ("runs/mine/best.safetensors", "best.safetensors"),
        ("py:/home/me/net.py:build", "py:net.py:build"),
        ("tv:lraspp_mobilenet_v3_large:../weights.pth", "tv:lraspp_mobilenet_v3_large:weights.pth"),
        ("hf:nvidia/segformer-b0", "hf:segformer-b0"),
    ],
)
def test_labels_leave_folders_out(name, label):
    assert catalogue.network_label(name) == label
