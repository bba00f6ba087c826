"""Two processes on this machine, started as by torchrun."""

import pytest
import torch
from safetensors.torch import load_file

from segviz.cli.main import main
from segviz.data.voc import VocImages
from segviz.network import Architecture
from segviz.runtime.distributed import ProcessGroup
from segviz.training.trainer import Trainer
from tests.forked import start_workers
from tests.training.tiny import IDS
from tests.training.tiny import RECIPE as TINY_RECIPE

pytestmark = pytest.mark.slow

NETWORK = {"stride": 16, "channels": 8, "levels": 3}
ARCHITECTURE = Architecture.of("test_efficientnet", **NETWORK)
RECIPE = {"batch": 4, "epochs": 2, "learning_rate": 0.05, "warmup": 2, "crop": 49}  # 3 updates


def train_twice(root, out):
    """Run the command to its end, then start a training that one of the processes stops."""
    options = {"voc-root": root, "split": "train", "out": out / "whole", "loaders": 0}
    options |= {"device": "cpu", "backbone": "test_efficientnet"} | NETWORK | RECIPE
    code = main(["train", *(f"--{key.replace('_', '-')}={options[key]}" for key in options)])
    data = VocImages(root, "train", IDS)
    trainer = Trainer(data, ARCHITECTURE, TINY_RECIPE, out / "stopped", loaders=0)
    trainer.run(stop=lambda: trainer.group.rank == 1 and trainer.iteration == 2)
    print("exit code", code, "stopped after", trainer.iteration)


@pytest.fixture(scope="module")
def two_processes(voc_root, tmp_path_factory):
    """The folder that two processes have written, and their output."""
    folder = tmp_path_factory.mktemp("two")
    program = start_workers(2, train_twice, voc_root, folder)
    out, err = program.communicate()
    assert program.returncode == 0, err[-3000:]
    return folder, out


def together(first, second):
    """Return the network that two processes train: gradients averaged, statistics of the first."""
    pair = (first, second)
    for rank, trainer in enumerate(pair):
        trainer.group = ProcessGroup(rank, 2, rank)
    for batches in zip(*(trainer.batches() for trainer in pair), strict=True):
        for a, b in zip(first.network.buffers(), second.network.buffers(), strict=True):
            b.copy_(a)
        steps = [trainer.optimiser.step for trainer in pair]
        for trainer, batch in zip(pair, batches, strict=True):
            trainer.optimiser.step = lambda: None
            trainer.train_step(trainer.network, batch)
        for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True):
            mean = (a.grad + b.grad) / 2
            a.grad, b.grad = mean, mean.clone()
        for trainer, step in zip(pair, steps, strict=True):
            trainer.optimiser.step = step
            step()
            trainer.iteration += 1
    assert first.iteration == first.iterations
    return first.network.eval()


@pytest.fixture
def one_thread():
    """Sums in the order of a process that has one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_two_processes_average_their_gradients(make, two_processes):
    folder, output = two_processes
    assert output.count("exit code 0") == 2
    trainers = (make(name, architecture=ARCHITECTURE, **RECIPE) for name in "ab")
    expected = together(*trainers)
    state = load_file(folder / "whole" / "state.safetensors")
    for name, value in expected.state_dict().items():
        assert torch.allclose(state[f"model.{name}"].float(), value.float(), atol=1e-5), name
    assert (folder / "whole" / "network.safetensors").exists()


def test_one_process_stops_all(voc_root, two_processes):
    folder, output = two_processes
    assert output.count("stopped after 2") == 2
    data = VocImages(voc_root, "train", IDS)
    resumed = Trainer(data, ARCHITECTURE, TINY_RECIPE, folder / "stopped", loaders=0)
    resumed.run(resume=True)
    assert resumed.iteration == 4
