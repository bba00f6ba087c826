"""Train a network by SGD on the pixelwise cross-entropy, without test-time adaptation."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from ..data.classes import ClassList
from ..data.dataset import DataSet
from ..errors import InputError
from ..network import checkpoint
from ..network.architecture import Architecture
from ..network.dynamic import Segmenter
from ..runtime.distributed import ProcessGroup
from .captured_update import CapturedUpdate
from .distillation import capture_outputs, load_teacher
from .initialisation import Initialisation
from .loader import Loader
from .loss import cross_entropy, predict_cached, predict_crops
from .optimiser import build_optimiser, rate_factor
from .recipe import Recipe
from .running_metrics import RunningMetrics, append_row, drop_rows_after
from .state import Progress, load_state, save_state

__all__ = ["Trainer"]

SAVE_SECONDS = 45.0  # a kill costs less than a minute
REPORT_EVERY = 10  # updates between rows of the log; reading the loss synchronises with a GPU
STATISTICS_SAMPLES = 200  # cached samples that initialise the classifier's normalisation

Batch = Any  # photos and labels, or a list of cached samples: what the loader yields


class Trainer:
    """A training run that can resume after a kill at any moment.

    Arguments:
        data: The training images.
        architecture: The network's architecture.
        recipe: The hyperparameters.
        out: The output folder of state, log and feature cache.
        init: The weights to start from; None = random weights.
        teacher: A trained checkpoint of any architecture to distil from, or None.
        device: The training device.
        loaders: The number of processes that read and augment.
        memory: Whether to read all photos into memory first, which pays off over many epochs on
            many cores.
        on_device: Whether to keep all photos on the device and augment there, with one process.
        compile: Whether to compile the network by `torch.compile`, which takes a minute.

    Raises:
        InputError: If a file, folder or value cannot be used.
    """

    def __init__(
        self,
        data: DataSet,
        architecture: Architecture,
        recipe: Recipe,
        out: Path,
        init: Initialisation | None = None,
        teacher: str | None = None,
        device: torch.device | str = "cpu",
        loaders: int = 2,
        memory: bool = False,
        on_device: bool = False,
        compile: bool = False,
    ) -> None:
        self.group = ProcessGroup.from_environment()
        recipe.check(len(data.ids), self.group.world_size)
        if self.group.world_size > 1 or recipe.cached_samples:
            on_device = False
        if architecture.classes != len(data.classes):
            raise InputError(
                f"the data have {len(data.classes)} classes, but the network"
                f" {architecture.classes}; give an architecture with as many."
            )
        self.data, self.recipe, self.out = data, recipe, out
        self.device = torch.device(device)
        if self.device.type == "cuda" and self.group.world_size > 1:
            self.device = torch.device("cuda", self.group.local_rank)
        self.loader = Loader(
            data, recipe, architecture.mean, self.device, loaders, memory, on_device
        )
        torch.manual_seed(recipe.seed)
        network, self.classifier, self.origin = (init or Initialisation()).build(
            architecture, bool(recipe.cached_samples)
        )
        self.teacher, self.teacher_hash = load_teacher(
            teacher, network, recipe, self.group.world_size, self.device
        )
        self.network = network.to(self.device).to(memory_format=torch.channels_last)
        self.iterations = recipe.iterations(len(data.ids))
        self.iteration, self.seconds = 0, 0.0
        self.optimiser = build_optimiser(self.network, recipe, self.teacher)
        self.metrics = RunningMetrics(architecture.classes, self.device)
        self.compile = compile
        self._graph: CapturedUpdate | None = None
        out.mkdir(parents=True, exist_ok=True)

    @property
    def state_path(self) -> Path:
        """The file of the resumable state."""
        return self.out / "state.safetensors"

    @property
    def log_path(self) -> Path:
        """The CSV file of loss and mIoU: a row for every `REPORT_EVERY` updates, and the last."""
        return self.out / "log.csv"

    @property
    def done(self) -> bool:
        """Whether all updates were made or the time limit is reached."""
        return self.iteration >= self.iterations or self._time_used >= 1

    def run(self, resume: bool = False, stop: Callable[[], bool] = lambda: False) -> Segmenter:
        """Train to the end, or until `stop` returns True in any process; then save the state.

        Arguments:
            resume: Whether to resume from the state in the output folder, if there is one.
            stop: Called after every update.

        Returns:
            The network in eval mode.

        Raises:
            InputError: If the state is damaged or belongs to another run, an image cannot be read,
                or the loss is not finite.
        """
        if resume and self.state_path.exists():
            self.load_state()
        if self.done:
            return self.network.eval()
        started = time.monotonic() - self.seconds
        is_main = self.group.is_main
        if self.iteration == 0 and is_main:
            self.log_path.unlink(missing_ok=True)
        elif is_main:
            drop_rows_after(self.log_path, self.iteration)
        model = self._distributed()
        saved = time.monotonic()
        with tqdm(
            total=self.iterations, initial=self.iteration, unit="it", disable=not is_main
        ) as bar:
            for batch in self.batches():
                self.train_step(model, batch)
                self.iteration += 1
                bar.update()
                stopped = bool(self.group.maximum(stop(), self.device))
                self.seconds = time.monotonic() - started
                if self.recipe.minutes:  # all processes use the latest clock
                    self.seconds = self.group.maximum(self.seconds, self.device)
                last = stopped or self.done
                if last or self.iteration % REPORT_EVERY == 0:
                    loss, miou = self._read_metrics()
                    bar.set_postfix(loss=f"{loss:.3f}", miou=f"{miou:.3f}")
                    # Not where it was stopped: a resumed training has the rows of a whole one. And
                    # before the state: rows after the last state are made again.
                    if is_main and (self.done or self.iteration % REPORT_EVERY == 0):
                        append_row(self.log_path, self._log_row(loss, miou))
                    if is_main and (last or time.monotonic() - saved > SAVE_SECONDS):
                        self.save_state()
                        saved = time.monotonic()
                if last:
                    break
        return self.network.eval()

    def batches(self) -> Iterator[Batch]:
        """Yield the remaining batches of this process."""
        if not self.recipe.cached_samples:
            return self.loader.crops(self.iteration, self.group)
        cache = self.loader.fill_cache(self.network, self.out / "feature-cache")
        grid = self.network.grid
        if self.classifier is not None and self.iteration == 0:
            numbers = range(min(STATISTICS_SAMPLES, len(cache)))
            maps = torch.cat([cache.read(n, grid).maps.flatten(2) for n in numbers], 2)[0]
            self.network.begin_as(*self.classifier, maps.mean(1), maps.var(1))
        return self.loader.cached(self.iteration, cache, grid)

    def train_step(self, model: nn.Module, batch: Batch) -> Tensor:
        """Make one update and return its loss, a scalar.

        Arguments:
            model: The network, or its distributed wrapper.
            batch: What `batches` yields.
        """
        r = self.recipe
        self._set_train_mode()
        for group in self.optimiser.param_groups:
            factor = rate_factor(r, self.iteration, self.iterations, self._time_used)
            group["lr"] = r.learning_rate * group["factor"] * factor
        loss = self._forward_backward(model, batch)
        self.optimiser.step()
        return loss

    def _forward_backward(self, model: nn.Module, batch: Batch) -> Tensor:
        """Set the gradients and return the loss, a scalar; replayed as a graph if it can be."""
        # What reads the host within an update cannot be replayed without it.
        if not (self.loader.on_device and self.device.type == "cuda"):
            return self._compute_gradients(model, batch)
        if self._graph is None:
            self._graph = CapturedUpdate(lambda *tensors: self._compute_gradients(model, tensors))
        return self._graph(*batch)

    def _compute_gradients(self, model: nn.Module, batch: Batch) -> Tensor:
        r, teacher = self.recipe, self.teacher
        self.optimiser.zero_grad()
        extra = []
        # Without a teacher there is no hook: it would keep a compiled network from being one graph.
        hook: AbstractContextManager[list[list[Tensor]]] = (
            nullcontext([]) if teacher is None else capture_outputs(self.network.backbone)
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=r.mixed):
            if r.cached_samples:
                predictions = predict_cached(self.network, batch)
            else:
                photos, labels = self.loader.render(batch)
                with hook as maps:
                    predictions = predict_crops(model, self.network, photos, labels, r.loss_stride)
            if teacher is not None:
                taught = teacher.predict(photos)
                if r.hints:
                    extra.append(r.hints * teacher.hint_loss(taught, maps[0]))
        result = cross_entropy(predictions)
        if teacher is not None and r.distil:
            divergence = teacher.kl_divergence(taught, result.logits, r.crop, r.loss_stride)
            extra.append(r.distil * divergence)
        loss = torch.stack([result.loss, *extra]).sum()
        loss.backward()
        self.metrics.update(loss.detach(), result.truth, result.labels)
        return loss.detach()

    def load_state(self) -> None:
        """Load the state that `save_state` wrote."""
        progress = load_state(
            self.state_path,
            self._trained,
            self.optimiser,
            self._fingerprint(),
            self.metrics.tensors,
        )
        self.iteration, self.seconds = progress.iteration, progress.seconds

    def save_state(self) -> None:
        """Write the state that `run(resume=True)` resumes from."""
        progress = Progress(self.iteration, self.seconds)
        save_state(
            self.state_path,
            self._trained,
            self.optimiser,
            self._fingerprint(),
            progress,
            self.metrics.tensors,
        )

    def save_checkpoint(self, path: Path, card: dict[str, Any]) -> dict[str, Any]:
        """Write the trained network with its card, and return the card.

        Arguments:
            path: The safetensors file; the card takes the suffix .json.
            card: Further entries of the card.
        """
        full = {
            "name": path.stem,
            **_classes_on_card(self.data.classes),
            "training": {
                **asdict(self.recipe),
                "images": len(self.data.ids),
                "iterations": self.iteration,
                "seconds": round(self.seconds),
            },
            **({"began_as": self.origin} if self.origin else {}),
            **card,
        }
        return checkpoint.save(self.network, path, full)

    @property
    def _time_used(self) -> float:
        """The fraction of the time limit used; 0 without a limit."""
        return self.seconds / (60 * self.recipe.minutes) if self.recipe.minutes else 0.0

    @property
    def _trained(self) -> nn.Module:
        """All that is trained: the network, and the regressors of the teacher's maps."""
        return nn.ModuleList([self.network, self.teacher]) if self.teacher else self.network

    def _distributed(self) -> nn.Module:
        """Return the network, wrapped where several processes train together."""
        if self.group.world_size == 1:
            compiled: Any = torch.compile(self.network) if self.compile else self.network
            return compiled
        cuda = self.device.type == "cuda"
        if not dist.is_initialized():
            dist.init_process_group("nccl" if cuda else "gloo")
        return DistributedDataParallel(self.network, [self.group.local_rank] if cuda else None)

    def _set_train_mode(self) -> None:
        net, r = self.network, self.recipe
        net.train()
        for module in (net.backbone, net.context):
            if module is not None and (r.freeze_norm or r.backbone_rate == 0):
                module.eval()

    def _read_metrics(self) -> tuple[float, float]:
        loss, miou = self.metrics.compute()
        if not np.isfinite(loss):
            raise InputError(
                f"the loss is {loss} after {self.iteration} updates; train again with an --lr below"
                f" {self.recipe.learning_rate:g}."
            )
        if np.isnan(miou):
            raise InputError(
                f"all pixels of the first {self.iteration} updates are ignored; check the masks and"
                " what they ignore."
            )
        return loss, miou

    def _log_row(self, loss: float, miou: float) -> dict[str, str]:
        epoch = self.iteration * self.recipe.batch / len(self.data.ids)
        return {
            "iteration": str(self.iteration),
            "epoch": f"{epoch:.3f}",
            "loss": f"{loss:.4f}",
            "train_miou": f"{miou:.4f}",
            "learning_rate": f"{self.optimiser.param_groups[0]['lr']:.6f}",
        }

    def _fingerprint(self) -> dict[str, str]:
        """Return what a resumed run must share with this one."""
        return {
            "recipe": json.dumps(asdict(self.recipe), sort_keys=True),
            "architecture": json.dumps(asdict(self.network.architecture), sort_keys=True),
            "images": str(len(self.data.ids)),
            "ids": self.loader.ids_hash,
            "teacher": self.teacher_hash,
        }


def _classes_on_card(classes: ClassList) -> dict[str, Any]:
    """Return the names and the colours of the classes as the card has them."""
    if classes.colours is None:
        return {"classes": list(classes.names), "palette": "PASCAL VOC"}
    return {"classes": list(classes.names), "colours": classes.palette.tolist()}
