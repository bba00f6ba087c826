import pytest
import torch

from segviz.errors import InputError
from segviz.runtime.device import choose_device


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be a machine with so many GPUs, or with Apple's."""

    def pretend(cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


def test_auto(machine):
    machine()
    assert choose_device() == choose_device("auto") == torch.device("cpu")
    machine(cuda=1)
    assert choose_device() == torch.device("cuda")
    machine(mps=True)
    assert choose_device() == torch.device("mps")


def test_by_name(machine):
    machine(cuda=2)
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("cuda") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda", 1)


def test_processes_take_a_gpu_each(machine, monkeypatch):
    machine(cuda=2)
    for local, index in (("0", 0), ("1", 1), ("2", 0)):
        monkeypatch.setenv("LOCAL_RANK", local)
        assert choose_device() == choose_device("cuda") == torch.device("cuda", index)
        assert choose_device("cuda:1") == torch.device("cuda", 1)
        assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "tpu", "", "CPU", "../cpu"])
def test_not_available(machine, name):
    machine()
    with pytest.raises(InputError, match=r"is not available .*; choose one of cpu"):
        choose_device(name)


def test_number_too_large(machine):
    machine(cuda=2)
    with pytest.raises(InputError, match=r"'cuda:2' is not available .* 0 to 1\.$"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["cpu:", "cpu:x", "cpu:1:2"])
def test_malformed(machine, name):
    machine()
    with pytest.raises(InputError, match=r"is not a device; choose one of cpu\."):
        choose_device(name)
