import copy
import hashlib
import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from segviz.errors import InputError
from segviz.network import Architecture, Segmenter, checkpoint
from segviz.network.checkpoint import CHECKPOINTS, DEFAULT, load, read_card, save, tensor_hash


@pytest.fixture
def pair(checkpoint_path, tmp_path):
    """A copy of the tiny checkpoint, to be damaged: the path of the weights."""
    for suffix in (".safetensors", ".json"):
        shutil.copy(checkpoint_path.with_suffix(suffix), tmp_path)
    return tmp_path / checkpoint_path.name


def edit(path, **values):
    """Change the card beside a weights file."""
    card = json.loads(path.with_suffix(".json").read_text())
    card.update(values)
    path.with_suffix(".json").write_text(json.dumps(card))


def sign(path):
    """Make the card's hash that of the weights file."""
    edit(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


# Round trip


@pytest.mark.parametrize("half", [True, False])
def test_round_trip(network, tmp_path, half):
    torch.manual_seed(5)
    original = copy.deepcopy(network)
    with torch.no_grad():
        for p in original.parameters():
            p.add_(1e-3 * torch.randn_like(p))  # no longer representable in float16
    path = tmp_path / "folder" / "net.safetensors"
    card = save(original, path, {"name": "net"}, half=half)
    loaded = load(str(path))
    assert loaded.card == json.loads(json.dumps(card)) == read_card(str(path))
    assert loaded.sha256 == card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["parameters"] == sum(p.numel() for p in original.parameters())
    assert Architecture.from_json(card["architecture"]) == original.architecture
    got = loaded.network.state_dict()
    for key, value in original.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        assert got[key].dtype == torch.float32
        if half and "running_var" not in key:
            assert torch.equal(got[key], value.half().float())
        else:
            assert torch.equal(got[key], value)
    assert not list(path.parent.glob("*.partial"))


def test_equal_weights_make_equal_files(network, tmp_path):
    cards = [save(network, tmp_path / f"{index}.safetensors", {}) for index in range(8)]
    assert len({card["sha256"] for card in cards}) == 1


def test_half_is_half(network, tmp_path):
    sizes = {}
    for half in (True, False):
        save(network, tmp_path / "net.safetensors", {}, half=half)
        sizes[half] = (tmp_path / "net.safetensors").stat().st_size
    assert 0.45 < sizes[True] / sizes[False] < 0.55


def test_large_variances_survive_half(network, tmp_path):
    other = copy.deepcopy(network)
    other.response_norm.running_var.fill_(1e6)  # float16 ends at 65504
    save(other, tmp_path / "net.safetensors", {})
    loaded = load(str(tmp_path / "net.safetensors")).network
    assert (loaded.response_norm.running_var == 1e6).all()


def test_loaded_networks_predict_the_same(trained, checkpoint_path):
    x = torch.randn(1, 3, 40, 40)
    again = load(str(checkpoint_path)).network
    assert torch.equal(again(x), trained.network(x))


def test_loaded_network_is_frozen(trained):
    assert not any(module.training for module in trained.network.modules())
    assert not any(p.requires_grad for p in trained.network.parameters())


def test_saving_again_replaces(network, pair):
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.score_bias.add_(1)
    save(other, pair, {"name": "again"})
    assert load(str(pair)).card["name"] == "again"
    assert torch.allclose(load(str(pair)).network.score_bias, other.score_bias, atol=1e-3)


def test_card_is_strict_json(pair):
    def refuse(constant):
        raise ValueError(constant)

    card = json.loads(pair.with_suffix(".json").read_text(), parse_constant=refuse)
    assert {"architecture", "parameters", "sha256"} <= card.keys()


# Names and paths


def test_shipped_checkpoints():
    names = checkpoint.names()
    assert names[:1] in ([], [DEFAULT])
    assert names[1:] == sorted(names[1:])
    for name in names:
        card = read_card(name)
        assert (CHECKPOINTS / f"{name}.safetensors").exists()
        assert card["architecture"]["classes"] == len(card["classes"]) == 21
        with torch.no_grad():
            assert torch.isfinite(load(name).network(torch.zeros(1, 3, 33, 33))).all()


def test_shipped_by_name(pair, monkeypatch):
    monkeypatch.setattr(checkpoint, "CHECKPOINTS", pair.parent)
    pair.with_name("card-without-weights.json").write_text("{}")
    assert checkpoint.names() == ["tiny"]
    assert load("tiny").name == "tiny"
    shutil.copy(pair, pair.with_name(f"{DEFAULT}.safetensors"))
    shutil.copy(pair.with_suffix(".json"), pair.with_name(f"{DEFAULT}.json"))
    shutil.copy(pair, pair.with_name("a-weights-file-without-card.safetensors"))
    assert checkpoint.names() == [DEFAULT, "tiny"]


@pytest.mark.parametrize("name", ["absent", "", "../tiny", "folder/tiny", "tiny.pt"])
def test_no_such_checkpoint(name, pair, monkeypatch):
    monkeypatch.setattr(checkpoint, "CHECKPOINTS", pair.parent)
    with pytest.raises(InputError, match=r"no checkpoint '.*'; shipped are tiny, or give the path"):
        load(name)


# Damage: every file that is not exactly what was saved is refused in one sentence


def refused(path, pattern):
    with pytest.raises(InputError, match=pattern) as caught:
        load(str(path))
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")


@pytest.mark.parametrize("place", [0, 100, 5000, -1])
def test_changed_weights(pair, place):
    content = bytearray(pair.read_bytes())
    content[place] ^= 1
    pair.write_bytes(content)
    refused(pair, "has SHA-256 .* but its card says .* fetch it again")


def test_cut_weights(pair):
    pair.write_bytes(pair.read_bytes()[:-1])
    refused(pair, "has SHA-256")


def test_changed_hash(pair):
    edit(pair, sha256="0" * 64)
    refused(pair, "its card says 000000000000")


def test_no_card(pair):
    pair.with_suffix(".json").unlink()
    refused(pair, "card .* is missing; a checkpoint needs its JSON card")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        '{"sha256": "0"}',
        '{"sha256": "0", "architecture": {"colour": 3}}',
        '{"sha256": "0", "architecture": []}',
        '{"sha256": "0", "architecture": {"levels": 1}}',
        '{"sha256": "0", "architecture": {"levels": "many"}}',
        '{"architecture": {}}',
        "\udcff\udcfe",
    ],
)
def test_foreign_card(pair, text):
    pair.with_suffix(".json").write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(pair, "is not a segviz card")


@pytest.mark.parametrize(
    "change",
    [{"channels": 8}, {"levels": 2, "classes": 20}, {"pooled_context": False}, {"stride": 8}],
)
def test_card_of_another_architecture(pair, change):
    card = json.loads(pair.with_suffix(".json").read_text())
    architecture = {**card["architecture"], **change}
    edit(pair, architecture=architecture, classes=card["classes"][: architecture["classes"]])
    refused(pair, r"does not fit the architecture on its card \(\d+ tensors")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"classes": ["cat", "dog"]}, "21 names.*got 2"),
        ({"classes": 21}, "classes"),
        ({"sha256": 3}, "sha256"),
        ({"parameters": 0}, "parameters"),
        ({"training": "long"}, "training"),
    ],
)
def test_the_faulty_value_of_a_card_is_named(pair, values, words):
    edit(pair, **values)
    refused(pair, f"is not a segviz card .*{words}")


def test_a_card_that_would_not_be_read_is_not_written(network, tmp_path):
    path = tmp_path / "net.safetensors"
    with pytest.raises(ValueError, match="21 names"):
        save(network, path, {"classes": ["cat", "dog"]})
    assert not path.with_suffix(".json").exists()


def test_keys_that_are_not_known_are_kept(pair):
    edit(pair, mood="good")
    assert read_card(str(pair))["mood"] == load(str(pair)).card["mood"] == "good"


def test_card_with_another_backbone(pair):
    card = json.loads(pair.with_suffix(".json").read_text())
    edit(pair, architecture={**card["architecture"], "backbone": "nonsense"})
    refused(pair, "'nonsense'")


def test_missing_and_unknown_tensors(pair):
    tensors = load_file(pair)
    tensors["surprise"] = torch.zeros(3)
    save_file(tensors, pair)
    sign(pair)
    refused(pair, "1 tensors missing, unknown or of another shape, such as surprise")
    del tensors["surprise"], tensors["score_bias"]
    save_file(tensors, pair)
    sign(pair)
    refused(pair, "1 tensors missing, unknown or of another shape, such as score_bias")


def test_pickles_are_not_weights(pair):
    torch.save({"score_bias": torch.zeros(21)}, pair)
    sign(pair)
    refused(pair, "not a readable safetensors file")


def spoil(pair, key, change):
    """Change a tensor, and sign the file."""
    tensors = load_file(pair)
    tensors[key] = change(tensors[key])
    save_file(tensors, pair)
    sign(pair)


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        ("score_bias", lambda t: t * float("nan"), "not finite in score_bias"),
        ("score_bias", lambda t: t + float("inf"), "not finite in score_bias"),
        ("response_norm.running_var", lambda t: -t - 1, "negative variances"),
        ("score_bias", lambda t: t.to(torch.int32), "score_bias in torch.int32"),
        ("score_bias", lambda t: t.to(torch.complex64), "score_bias in torch.complex64"),
    ],
)
def test_weights_that_are_no_numbers(pair, key, change, words):
    spoil(pair, key, change)
    refused(pair, words)


def test_weights_that_are_not_finite_are_not_written(network, tmp_path):
    broken = copy.deepcopy(network)
    with torch.no_grad():
        broken.score_bias[0] = float("nan")
    with pytest.raises(InputError, match="not finite"):
        save(broken, tmp_path / "net.safetensors", {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"levels": 30}, "levels must be from 2 to 8, got 30"),
        ({"channels": 10**9}, "channels must be"),
        ({"groups": 0}, "groups must be"),
        ({"stride": 0}, "stride must be"),
        ({"output_stride": -16}, "output_stride must be"),
        ({"classes": 10**6}, "classes must be"),
        ({"mean": [0, 0]}, "mean must be 3 numbers"),
        ({"std": [0, 1, 1]}, "std must be"),
        ({"mean": [1e300, 0, 0]}, "mean must be"),
        ({"backbone": "hf-hub:timm/resnet18.a1_in1k"}, "hf-hub"),
        ({"backbone": "hf_hub:timm/resnet18.a1_in1k"}, "hf_hub"),
        ({"backbone": "local-dir:/tmp/net"}, "local-dir"),
        ({"backbone": "../../net"}, "timm model"),
    ],
)
def test_values_of_an_architecture_have_limits(pair, change, words):
    """A card reaches neither a network nor much memory."""
    card = json.loads(pair.with_suffix(".json").read_text())
    edit(pair, architecture={**card["architecture"], **change})
    refused(pair, f"is not a segviz card .*{words}")


def test_a_backbone_larger_than_its_weights_is_not_built(pair):
    card = json.loads(pair.with_suffix(".json").read_text())
    edit(pair, architecture={**card["architecture"], "backbone": "vit_giant_patch14_dinov2"})
    refused(pair, r"1,1\d\d,\d\d\d,\d\d\d parameters")


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_what_is_no_file_is_refused_without_waiting(pair, suffix):
    pair.with_suffix(suffix).unlink()
    os.mkfifo(pair.with_suffix(suffix))
    refused(pair, "device or a pipe")
    pair.with_suffix(suffix).unlink()
    pair.with_suffix(suffix).mkdir()
    refused(pair, "folder")


@pytest.mark.parametrize("name", ["a" * 300, "a" * 5000, "a\0b", "a" * 300 + ".safetensors"])
def test_names_that_no_file_can_have(name):
    with pytest.raises(InputError, match="no checkpoint"):
        load(name)


def test_deep_and_long_cards_are_refused(pair):
    for text in ("[" * 200_000, '{"name": "' + "x" * 9_000_000 + '"}'):
        pair.with_suffix(".json").write_text(text)
        refused(pair, "card")


# Hash of a network in memory


def test_tensor_hash(network):
    before = tensor_hash(network)
    assert before == tensor_hash(network) == tensor_hash(copy.deepcopy(network))
    for key in ("score_bias", "feature_norm.running_mean", "backbone.net.conv_stem.weight"):
        other = copy.deepcopy(network)
        with torch.no_grad():
            value = other.state_dict()[key]
            first = (0,) * value.dim()
            value[first] = torch.nextafter(value[first], torch.tensor(9.0))
        assert tensor_hash(other) != before, key


def test_tensor_hash_of_a_new_network():
    torch.manual_seed(0)
    first = Segmenter(Architecture.of("mobilenetv2_100", channels=8, levels=2))
    torch.manual_seed(0)
    second = Segmenter(Architecture.of("mobilenetv2_100", channels=8, levels=2))
    assert tensor_hash(first) == tensor_hash(second)
