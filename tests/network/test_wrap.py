import pytest
import torch
from torch import nn

import segviz
from segviz.data.voc_palette import PALETTE
from segviz.errors import InputError
from segviz.network.checkpoint import tensor_hash

NORMALISATION = {"mean": (124, 116, 104), "std": (58, 57, 57)}


def module():
    return nn.Sequential(nn.Conv2d(3, 4, 3, 8, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1))


def test_the_module_itself_stays_as_it_is():
    own = module().train()
    before = tensor_hash(own)
    network = segviz.wrap(own, ["background", "cat", "dog"], **NORMALISATION)
    assert own.training and all(parameter.requires_grad for parameter in own.parameters())
    assert tensor_hash(own) == before
    assert network.name == "Sequential" and network.classes == ("background", "cat", "dog")
    assert not network.network.training


def test_the_hash_is_of_whatever_predictions_depend_on():
    own = module()
    hashes = [
        segviz.wrap(own, **options).sha256
        for options in (
            NORMALISATION,
            {**NORMALISATION, "mean": (1, 2, 3)},
            {**NORMALISATION, "multiple": 32},
            {**NORMALISATION, "classes": ["a", "b", "c"]},
        )
    ]
    assert hashes[0] == hashes[3] and len(set(hashes)) == 3
    assert segviz.wrap(module(), **NORMALISATION).sha256 != hashes[0]


def test_names_and_colours():
    assert segviz.wrap(module(), **NORMALISATION).classes == ("class 0", "class 1", "class 2")
    own = segviz.wrap(module(), ["road", "car", "Car"], **NORMALISATION)
    assert own.classes == ("road", "car", "Car 2")
    assert (own.class_list.palette == PALETTE[1:4]).all()  # black is for the background
    background = segviz.wrap(module(), ["background", "car", "cat"], **NORMALISATION)
    assert (background.class_list.palette == PALETTE[:3]).all()
    colours = [(1, 2, 3), (4, 5, 6), (7, 8, 9)]
    given = segviz.wrap(module(), colours=colours, **NORMALISATION)
    assert given.class_list.palette.tolist() == [list(colour) for colour in colours]


@pytest.mark.parametrize("key", [int, str])
def test_names_by_id(key):
    ids = {key(index): name for index, name in ((1, "car"), (0, "road"), (2, "tree"))}
    assert segviz.wrap(module(), ids, **NORMALISATION).classes == ("road", "car", "tree")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}, "multiply both by 255"),
        ({"mean": (124, 116)}, "three numbers"),
        ({"std": 58}, "three numbers"),
        ({"mean": (300, 0, 0)}, "0..255"),
        ({"std": (58, 0, 58)}, "above 0"),
        ({"classes": ["cat", "dog"]}, "3 classes, but 2 names"),
        ({"classes": "abc"}, r"list of names.*'abc'"),
        ({"classes": {1: "a", 2: "b", 3: "c"}}, r"ids 0, 1"),
        ({"classes": [1, 2, 3]}, r"list of names"),
        ({"colours": [(0, 0, 0)]}, "3 colours"),
        ({"classifier": "0.nothing"}, "0.nothing"),
    ],
)
def test_values_that_do_not_fit(values, words):
    with pytest.raises(InputError, match=words):
        segviz.wrap(module(), **{**NORMALISATION, **values})


def test_what_is_no_module():
    with pytest.raises(InputError, match="function"):
        segviz.wrap(lambda x: x, **NORMALISATION)


@pytest.mark.parametrize("names", [None, ["cat"], ["nothing", "cat"]])
def test_the_logit_of_one_object_is_that_of_two_classes(names):
    own = nn.Sequential(nn.Conv2d(3, 4, 3, 8, 1), nn.Conv2d(4, 1, 1))
    network = segviz.wrap(own, names, **NORMALISATION)
    expected = {None: ("background", "object"), 1: ("background", "cat"), 2: ("nothing", "cat")}
    assert network.classes == expected[names and len(names)]
    x = torch.randn(1, 3, 40, 56)
    with torch.no_grad():
        logits = network.network.predict(network.network.encode(x)).logits
        assert torch.allclose(logits.softmax(0)[1], own(x)[0, 0].sigmoid())
    record = segviz.run(torch.rand(3, 40, 56), network, scale=1, method="entropy", steps=2)
    assert record.numbers("entropy")[-1] != record.numbers("entropy")[0]


def test_hashes_of_any_dtype():
    values = nn.Linear(2, 2)
    assert tensor_hash(values.to(torch.bfloat16)) == tensor_hash(values.to(torch.bfloat16))


def test_half_precision_is_widened():
    network = segviz.wrap(module().to(torch.bfloat16), **NORMALISATION).network
    assert network.predict(network.encode(torch.zeros(1, 3, 40, 40))).logits.dtype == torch.float32
