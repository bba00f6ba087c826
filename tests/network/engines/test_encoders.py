"""Engines encode as PyTorch does, and give way to it."""

import sys

import pytest
import torch

from segviz.adapt import Settings
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews
from segviz.errors import InputError
from segviz.network import checkpoint, engines
from segviz.network.engines.encoders import PLAIN, encoder_of, prepare_engine
from segviz.network.engines.frozen_part import FrozenFeatures, FrozenScaleSpace, pad_input
from segviz.runs.run import Run


@pytest.fixture
def own(checkpoint_path):
    """A network of this test's own, whose engine it may choose."""
    return checkpoint.load(str(checkpoint_path))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("converted")


@pytest.fixture
def cached(cache, monkeypatch):
    pytest.importorskip("openvino")
    from segviz.network.engines import openvino_encoder

    monkeypatch.setenv(openvino_encoder.CACHE, str(cache))
    return openvino_encoder


@torch.no_grad()
@pytest.mark.parametrize("size", [(97, 131), (64, 96), (33, 20)])
def test_the_frozen_part_is_that_of_the_network(network, size):
    x = torch.randn(1, 3, *size)
    F = network.cropped(FrozenFeatures(network)(*pad_input(network, x)), x)
    expected = network.encode(x)
    assert torch.allclose(F, expected.F, atol=1e-5)
    assert torch.allclose(FrozenScaleSpace(network)(F), expected.R, atol=1e-4)


def test_pytorch_encodes_by_default(network, photo):
    assert encoder_of(network) is PLAIN
    assert PhotoViews(network, photo).encoder is PLAIN


def test_openvino_encodes_as_pytorch(own, photo, cached):
    encoder = prepare_engine(own.network, "openvino")
    assert encoder_of(own.network) is encoder and encoder.name == "openvino"
    for size in ((64, 80), (131, 50)):
        x = torch.randn(1, 3, *size)
        with torch.no_grad():
            expected = own.network.encode(x)
        for found, value in zip(encoder.encode(own.network, x, "float32"), expected, strict=True):
            assert found.shape == value.shape and found.stride() == value.stride()
            assert (found - value).abs().max() <= 1e-4 * value.abs().max()


def test_episodes_are_alike(own, photo, cached):
    settings = Settings(scale=2.0, steps=4)
    plain = list(optimise(PhotoViews(own.network, photo, encoder=PLAIN), settings))
    prepare_engine(own.network, "openvino")
    found = list(optimise(PhotoViews(own.network, photo), settings))
    for a, b in zip(found, plain, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-3)
        assert (a.logits.argmax(0) == b.logits.argmax(0)).float().mean() > 0.999


def test_records_name_the_engine(own, photo, cached):
    settings = Settings(scale=1.0, steps=0)
    assert Run(own, photo, settings).all().environment["engine"] == "torch"
    prepare_engine(own.network, "auto")
    assert Run(own, photo, settings).all().environment["engine"] == "openvino"


class Stopped(BaseException):
    """As what ends a job."""


def test_an_inference_is_cancelled_by_whoever_waits(own, cached, monkeypatch):
    """The next ones, of any size, are as if nothing had happened."""
    monkeypatch.setattr(cached, "POLL", 1)
    encoder = prepare_engine(own.network, "openvino")
    large, small = torch.randn(1, 3, 1300, 1500), torch.randn(1, 3, 97, 131)
    expected = encoder.encode(own.network, small, "float32")

    def stop():
        raise Stopped

    for _ in range(3):
        encoder.on_wait = stop
        with pytest.raises(Stopped):
            encoder.encode(own.network, large, "float32")
        encoder.on_wait = lambda: None
        found = encoder.encode(own.network, small, "float32")
        assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


def test_bfloat16_on_any_processor(own, photo, cached):
    encoder = prepare_engine(own.network, "openvino")
    x = torch.randn(1, 3, 64, 80)
    with torch.no_grad():
        expected = own.network.encode(x).F
    found = encoder.encode(own.network, x, "bfloat16").F
    assert found.dtype == torch.float32
    assert 0 < (found - expected).abs().mean() < 0.1 * expected.abs().mean()


def test_a_conversion_is_made_once(own, checkpoint_path, cache, cached):
    prepare_engine(own.network, "openvino")
    before = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert len(before) == 4
    again = checkpoint.load(str(checkpoint_path))
    assert prepare_engine(again.network, "openvino").name == "openvino"
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == before


def test_a_damaged_conversion_is_made_again(own, tmp_path, monkeypatch, cached):
    monkeypatch.setenv(cached.CACHE, str(tmp_path))
    prepare_engine(own.network, "openvino")
    for path in tmp_path.glob("*.xml"):
        path.write_bytes(b"<net")
    prepare_engine(own.network, "torch")
    assert prepare_engine(own.network, "openvino").name == "openvino"
    assert all(path.stat().st_size > 100 for path in tmp_path.glob("*.xml"))


def test_other_weights_have_another_conversion(own, cache, cached):
    prepare_engine(own.network, "openvino")
    before = set(cache.iterdir())
    other = checkpoint.load(own.name).network
    with torch.no_grad():
        other.response_norm.weight.mul_(1.5)
    other.freeze()
    encoder = prepare_engine(other, "openvino")
    assert set(cache.iterdir()) > before
    encoder.check(other)
    with pytest.raises(InputError, match="differs from PyTorch"):
        encoder.check(own.network)


def test_a_network_that_differs_is_left_to_pytorch(own, photo, cached, monkeypatch, caplog):
    def fail(self, network):
        raise InputError("OpenVINO differs from PyTorch by 0.5")

    monkeypatch.setattr(cached.OpenVinoEncoder, "check", fail)
    encoder = prepare_engine(own.network, "auto")
    assert encoder.name == "torch" and "differs" in encoder.note
    assert any("differs" in record.getMessage() for record in caplog.records)
    environment = Run(own, photo, Settings(scale=1.0, steps=0)).all().environment
    assert environment["engine"] == "torch" and "differs" in environment["engine_note"]
    with pytest.raises(InputError, match="differs"):
        prepare_engine(own.network, "openvino")


def test_without_openvino(own, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    # As it was before its first import, from sys.modules and from its package.
    monkeypatch.delitem(sys.modules, "segviz.network.engines.openvino_encoder", raising=False)
    monkeypatch.delattr(engines, "openvino_encoder", raising=False)
    assert prepare_engine(own.network, "auto") is PLAIN
    with pytest.raises(InputError, match="openvino"):
        prepare_engine(own.network, "openvino")


def test_networks_of_other_libraries(foreign):
    assert prepare_engine(foreign.network, "auto") is PLAIN
    with pytest.raises(InputError, match="choose torch"):
        prepare_engine(foreign.network, "openvino")


def test_an_unknown_engine(network):
    with pytest.raises(InputError, match="no engine 'abacus'; choose one of auto, torch"):
        prepare_engine(network, "abacus")
