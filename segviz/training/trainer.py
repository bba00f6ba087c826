"""Training: cross-entropy, SGD, the paper's recipe. Test-time adaptation plays no part in it."""

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
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from ..data.classes import CLASSES, IGNORE
from ..errors import InputError
from ..network import checkpoint
from ..network.architecture import Architecture
from ..network.dynamic import Segmenter
from ..network.grid import resample
from ..runtime.workers import Workers
from .distillation import find_teacher, watched
from .feature_cache import Sample
from .initialisation import load_context, read_classifier, start_from
from .loader import Feed
from .optimiser import optimiser
from .recipe import Recipe
from .running_metrics import Progress, log
from .state import load_state, save_state

__all__ = ["Trainer"]

SAVE_SECONDS = 45.0  # a kill costs less than a minute
LOOK = 10  # updates between looks at the loss, which a GPU must be waited for
LOG = "log.csv"
STATISTICS = 200  # views that the mean and variance of the features are taken over

# Logits (B, K, h, w), labels (B, rows, columns), and the positions of these on the feature grid.
Pixelwise = tuple[Tensor, Tensor, Tensor, Tensor]
Batch = Any  # photos and labels, or a list of kept views: what the feed gives


class Trainer:
    """One training run, resumable after a kill at any moment.

    Arguments:
        root: The VOC2012 folder.
        ids: The training images.
        architecture: The network's shape.
        recipe: How to train.
        out: The folder of state, log and result.
        init: Backbone weights (safetensors, timm names), or None.
        context_init: Weights of the pooled context module (safetensors), or None.
        classifier_init: A classifier of that module's maps (safetensors, `logits`), which the
            network begins as; None = it begins at random. Needs kept views.
        pretrained: Whether timm downloads ImageNet weights where `init` is None.
        start: A trained checkpoint of the same architecture to go on from, or None.
        teacher: A trained checkpoint of any architecture to learn from, or None.
        device: Where to train.
        loaders: Processes that read and augment.
        memory: Whether all photos are read at once and kept, which saves time where many epochs
            are trained and there are many cores.

    Raises:
        InputError: If a file, folder or value cannot be used.
    """

    def __init__(
        self,
        root: Path,
        ids: list[str],
        architecture: Architecture,
        recipe: Recipe,
        out: Path,
        init: Path | None = None,
        context_init: Path | None = None,
        classifier_init: Path | None = None,
        pretrained: bool = False,
        start: str | None = None,
        teacher: str | None = None,
        device: torch.device | str = "cpu",
        loaders: int = 2,
        memory: bool = False,
    ) -> None:
        self.workers = Workers.here()
        if recipe.batch % self.workers.world:
            raise InputError(
                f"a batch of {recipe.batch} cannot be shared by {self.workers.world} processes;"
                " choose a multiple."
            )
        if len(ids) < 1:
            raise InputError("there are no training images; check the split and --exclude.")
        if recipe.kept and (recipe.backbone_rate > 0 or self.workers.world > 1):
            raise InputError(
                f"--kept {recipe.kept} keeps what a frozen backbone sees, in one process; give"
                " --backbone-rate 0 without torchrun, or leave --kept out."
            )
        self.ids, self.recipe, self.out = ids, recipe, out
        self.device = torch.device(device)
        self.feed = Feed(root, ids, recipe, architecture.mean, self.device, loaders, memory)
        if self.device.type == "cuda" and self.workers.world > 1:
            self.device = torch.device("cuda", self.workers.local)
        torch.manual_seed(recipe.seed)
        self.network = Segmenter(architecture, pretrained=pretrained and init is None)
        if init is not None:
            self.network.backbone.load_init(init)
        if context_init is not None:
            load_context(self.network, context_init)
        self.began_as: dict[str, Any] | None = None
        if start is not None:
            self.began_as = start_from(self.network, start)
        self.classifier = (
            read_classifier(self.network, classifier_init, bool(recipe.kept))
            if classifier_init is not None
            else None
        )
        self.teacher, self.teacher_hash = find_teacher(
            teacher, self.network, recipe, self.workers.world, self.device
        )
        self.network = self.network.to(self.device).to(memory_format=torch.channels_last)
        self.iterations = recipe.iterations(len(ids))
        self.iteration, self.seconds = 0, 0.0
        self.optimiser = optimiser(self.network, recipe, self.teacher)
        self.progress = Progress(architecture.classes, self.device)
        out.mkdir(parents=True, exist_ok=True)

    def run(self, resume: bool = False, stop: Callable[[], bool] = lambda: False) -> Segmenter:
        """Train to the end, or until `stop` says so in any process (the state is saved then).

        Arguments:
            resume: Go on from the state in the output folder, if there is one.
            stop: Asked after every update.

        Raises:
            InputError: If the state is damaged or of another run, if an image cannot be read, or if
                the loss is no longer a number.
        """
        if resume and self.state_path.exists():
            self.iteration, self.seconds = load_state(
                self.state_path, self._learners, self.optimiser, self._facts()
            )
        if self.done:
            return self.network.eval()
        began = time.monotonic() - self.seconds
        ranks = self.workers
        if self.iteration == 0 and ranks.rank == 0:
            (self.out / LOG).unlink(missing_ok=True)
        if ranks.world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        model: nn.Module = self.network
        if ranks.world > 1:
            cuda = self.device.type == "cuda"
            model = DistributedDataParallel(self.network, [ranks.local] if cuda else None)
        saved = time.monotonic()
        bar = tqdm(
            total=self.iterations, initial=self.iteration, unit="it", disable=ranks.rank != 0
        )
        with bar:
            for batch in self._batches():
                self._update(model, batch)
                self.iteration += 1
                bar.update()
                halt = bool(ranks.highest(stop(), self.device))
                self.seconds = time.monotonic() - began
                if self.recipe.minutes:  # the clock that is furthest on counts for all
                    self.seconds = ranks.highest(self.seconds, self.device)
                last = halt or self.done
                if last or self.iteration % LOOK == 0:
                    loss, miou = self._look()
                    bar.set_postfix(loss=f"{loss:.3f}", miou=f"{miou:.3f}")
                    due = last or time.monotonic() - saved > SAVE_SECONDS
                    if ranks.rank == 0 and due:
                        self.save_state()
                        log(self.out / LOG, self._row(loss, miou))
                        saved = time.monotonic()
                if last:
                    break
        return self.network.eval()

    @property
    def done(self) -> bool:
        """Whether all updates were made, or the minutes are used."""
        return self.iteration >= self.iterations or self._used >= 1

    @property
    def _used(self) -> float:
        """How much of the recipe's minutes is used, 0 where there is no such limit."""
        return self.seconds / (60 * self.recipe.minutes) if self.recipe.minutes else 0.0

    @property
    def _learners(self) -> nn.Module:
        """All that learns: the network, and what it is compared with a teacher's maps by."""
        return nn.ModuleList([self.network, self.teacher]) if self.teacher else self.network

    @property
    def state_path(self) -> Path:
        """Where the resumable state is."""
        return self.out / "state.safetensors"

    def finish(self, path: Path, card: dict[str, Any]) -> dict[str, Any]:
        """Write the checkpoint and its card: what was trained, on what, how."""
        return checkpoint.save(
            self.network,
            path,
            {
                "name": path.stem,
                "classes": list(CLASSES),
                "palette": "PASCAL VOC",
                "training": {
                    **asdict(self.recipe),
                    "images": len(self.ids),
                    "iterations": self.iteration,
                    "seconds": round(self.seconds),
                },
                **({"began_as": self.began_as} if self.began_as else {}),
                **card,
            },
        )

    def _look(self) -> tuple[float, float]:
        loss, miou = self.progress.read()
        if not np.isfinite(loss):
            raise InputError(
                f"the loss is {loss} after {self.iteration} updates; train again with an --lr below"
                f" {self.recipe.learning_rate:g}."
            )
        return loss, miou

    def _batches(self) -> Iterator[Batch]:
        if not self.recipe.kept:
            return self.feed.crops(self.iteration, self.workers)
        kept = self.feed.keep(self.network, self.out / "kept")
        grid = self.network.grid
        if self.classifier is not None and self.iteration == 0:
            numbers = range(min(STATISTICS, len(kept)))
            maps = torch.cat([kept.sample(n, grid).maps.flatten(2) for n in numbers], 2)[0]
            self.network.begin_as(*self.classifier, maps.mean(1), maps.var(1))
        return self.feed.views(self.iteration, kept, grid)

    def _mode(self) -> None:
        net, r = self.network, self.recipe
        net.train()
        for module in (net.backbone, net.context):
            if module is not None and (r.freeze_norm or r.backbone_rate == 0):
                module.eval()

    def _update(self, model: nn.Module, batch: Batch) -> Tensor:
        """One step; returns the loss, a scalar."""
        r, teacher = self.recipe, self.teacher
        self._mode()
        for group in self.optimiser.param_groups:
            group["lr"] = (
                r.learning_rate
                * group["factor"]
                * r.rate(self.iteration, self.iterations, self._used)
            )
        if not r.kept:
            batch = [part.to(self.device, non_blocking=True) for part in batch]
        arithmetic: AbstractContextManager[Any] = nullcontext()
        if r.mixed:
            arithmetic = torch.autocast(self.device.type, torch.bfloat16)
        with arithmetic, watched(self.network.backbone) as maps:
            predictions = list(self._predict(model, batch))
            extra = []
            if teacher is not None:
                lesson = teacher.lesson(batch[0])
                if r.hints:
                    extra.append(r.hints * teacher.unexplained(lesson, maps[0]))
        losses, known, guessed = [], [], []
        for logits, target, rows, columns in predictions:
            logits = resample(logits.float(), rows, columns)
            target = target.long()
            losses.append(
                functional.cross_entropy(logits, target, ignore_index=IGNORE, reduction="sum")
            )
            known.append(target.flatten())
            guessed.append(logits.detach().argmax(1).flatten())
        truth = torch.cat(known)
        if teacher is not None and r.distil:
            extra.append(r.distil * teacher.divergence(lesson, logits, r.crop, r.loss_stride))
        loss = torch.stack(losses).sum() / (truth != IGNORE).sum()
        loss = torch.stack([loss, *extra]).sum()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.progress.add(loss.detach(), truth, torch.cat(guessed))
        return loss.detach()

    def _predict(self, model: nn.Module, batch: Batch) -> Iterator[Pixelwise]:
        r, net = self.recipe, self.network
        if r.kept:
            samples = [Sample(*(part.to(self.device) for part in sample)) for sample in batch]
            logits = net.forward_maps([sample.maps for sample in samples])
            for one, sample in zip(logits, samples, strict=True):
                yield one, sample.labels[None], sample.rows, sample.columns
        else:
            photos, truth = batch
            x = net.normalise(photos.float()).contiguous(memory_format=torch.channels_last)
            positions = net.grid.to_features(r.crop, r.crop, self.device)[:: r.loss_stride]
            target = truth[:, :: r.loss_stride, :: r.loss_stride]
            yield model(x), target, positions, positions

    def _facts(self) -> dict[str, str]:
        return {
            "recipe": json.dumps(asdict(self.recipe), sort_keys=True),
            "architecture": json.dumps(asdict(self.network.architecture), sort_keys=True),
            "images": str(len(self.ids)),
            "ids": self.feed.ids_hash,
            "teacher": self.teacher_hash,
        }

    def save_state(self) -> None:
        """Write what `run(resume=True)` goes on from."""
        save_state(
            self.state_path,
            self._learners,
            self.optimiser,
            self._facts(),
            self.iteration,
            self.seconds,
        )

    def _row(self, loss: float, miou: float) -> dict[str, str]:
        """A line of the log: where the training is, and how it goes."""
        epoch = self.iteration * self.recipe.batch / len(self.ids)
        return {
            "iteration": str(self.iteration),
            "epoch": f"{epoch:.3f}",
            "loss": f"{loss:.4f}",
            "train_miou": f"{miou:.4f}",
            "learning_rate": f"{self.optimiser.param_groups[0]['lr']:.6f}",
        }
