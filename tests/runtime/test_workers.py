import torch

from segviz.runtime.workers import Workers


def test_a_process_of_its_own(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert Workers.here() == Workers(0, 1, 0)


def test_a_process_among_others(monkeypatch):
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert Workers.here() == Workers(rank=5, world=8, local=1)


def test_highest_of_one_process():
    assert Workers().highest(2.5, torch.device("cpu")) == 2.5
