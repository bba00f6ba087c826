"""Training: cross-entropy, SGD, the paper's recipe. Test-time adaptation plays no part in it."""

import csv
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

from . import metrics
from .classes import CLASSES, IGNORE
from .errors import InputError
from .feed import Feed
from .kept import Sample
from .network import checkpoint
from .network.architecture import Architecture
from .network.backbone import read_tensors
from .network.geometry import resample
from .network.segmenter import Segmenter
from .recipe import Recipe, Workers
from .train_state import load_state, save_state

__all__ = ["Trainer"]

SAVE_SECONDS = 45.0  # a kill costs less than a minute
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
        device: Where to train.
        loaders: Processes that read and augment.

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
        device: torch.device | str = "cpu",
        loaders: int = 2,
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
        self.feed = Feed(root, ids, recipe, architecture.mean, self.device, loaders)
        if self.device.type == "cuda" and self.workers.world > 1:
            self.device = torch.device("cuda", self.workers.local)
        torch.manual_seed(recipe.seed)
        self.network = Segmenter(architecture, pretrained=pretrained and init is None)
        if init is not None:
            self.network.backbone.load_init(init)
        if context_init is not None:
            self._load_context(context_init)
        if start is not None:
            self._start_from(start)
        self.classifier = None if classifier_init is None else self._classifier(classifier_init)
        self.network = self.network.to(self.device).to(memory_format=torch.channels_last)
        self.iterations = recipe.iterations(len(ids))
        self.iteration = 0
        self.optimiser = self._optimiser()
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
            self.iteration = load_state(
                self.state_path, self.network, self.optimiser, self._facts()
            )
        ranks = self.workers
        if self.iteration == 0 and ranks.rank == 0:
            (self.out / "log.csv").unlink(missing_ok=True)
        if ranks.world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        model: nn.Module = self.network
        if ranks.world > 1:
            cuda = self.device.type == "cuda"
            model = DistributedDataParallel(self.network, [ranks.local] if cuda else None)
        matrix = np.zeros((self.network.architecture.classes,) * 2)
        mean_loss = float("nan")
        saved = time.monotonic()
        bar = tqdm(
            total=self.iterations, initial=self.iteration, unit="it", disable=ranks.rank != 0
        )
        with bar:
            for batch in self._batches():
                loss, labels = self._update(model, batch)
                # Both fade, so that the bar shows how training goes now.
                matrix = 0.98 * matrix + metrics.confusion(*labels, classes=len(matrix))
                mean_loss = loss if np.isnan(mean_loss) else 0.98 * mean_loss + 0.02 * loss
                self.iteration += 1
                bar.update()
                bar.set_postfix(loss=f"{mean_loss:.3f}", miou=f"{metrics.mean_iou(matrix):.3f}")
                halt = self._any(stop())
                if ranks.rank == 0 and (
                    halt
                    or self.iteration == self.iterations
                    or time.monotonic() - saved > SAVE_SECONDS
                ):
                    self.save_state()
                    self._log(mean_loss, metrics.mean_iou(matrix))
                    saved = time.monotonic()
                if halt:
                    break
        return self.network.eval()

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
                },
                **card,
            },
        )

    def _optimiser(self) -> torch.optim.SGD:
        r = self.recipe
        net = self.network
        old = [net.backbone] + ([net.context] if net.context is not None else [])
        old_parameters = [p for module in old for p in module.parameters()]
        scale = [net.scale_weight, net.scale_bias]
        known = {id(p) for p in old_parameters + scale}
        new = [p for p in net.parameters() if id(p) not in known]
        groups: list[dict[str, Any]] = [
            {"params": new, "factor": 1.0},
            {"params": scale, "factor": r.scale_rate},
        ]
        if r.backbone_rate > 0:
            groups.append({"params": old_parameters, "factor": r.backbone_rate})
        else:
            for parameter in old_parameters:
                parameter.requires_grad_(False)
        return torch.optim.SGD(
            groups, lr=r.learning_rate, momentum=r.momentum, weight_decay=r.weight_decay
        )

    def _start_from(self, name: str) -> None:
        trained = checkpoint.load(name).network
        if trained.architecture != self.network.architecture:
            raise InputError(
                f"the checkpoint {name} has another architecture ({trained.architecture});"
                " give the same --backbone, --stride, --channels and --levels."
            )
        self.network.load_state_dict(trained.state_dict())

    def _classifier(self, path: Path) -> tuple[Tensor, Tensor]:
        a, tensors = self.network.architecture, read_tensors(path)
        weight, bias = tensors.get("logits.weight"), tensors.get("logits.bias")
        shape = (a.classes, a.channels, 1, 1)
        if weight is None or bias is None or weight.shape != shape:
            raise InputError(
                f"{path} does not hold a classifier logits.weight of shape {shape} with its bias;"
                " give one made for this network."
            )
        if not (self.recipe.kept and self.network.aggregation.inputs == a.channels):
            raise InputError(
                "--classifier-init needs --kept, and as many feature channels as the coarsest map"
                f" has ({self.network.aggregation.inputs}), but there are {a.channels}."
            )
        return weight[..., 0, 0], bias

    def _load_context(self, path: Path) -> None:
        context = self.network.context
        if context is None:
            raise InputError("--context-init needs a network with the pooled context module.")
        tensors = read_tensors(path)
        names = context.state_dict()
        if any(name not in tensors or tensors[name].shape != names[name].shape for name in names):
            raise InputError(
                f"{path} does not hold the context module's tensors {', '.join(names)};"
                " give a file made for it."
            )
        context.load_state_dict({name: tensors[name] for name in names})

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

    def _any(self, here: bool) -> bool:
        """Whether it is so in any process."""
        if self.workers.world == 1:
            return here
        flag = torch.tensor(float(here), device=self.device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def _mode(self) -> None:
        net, r = self.network, self.recipe
        net.train()
        for module in (net.backbone, net.context):
            if module is not None and (r.freeze_norm or r.backbone_rate == 0):
                module.eval()

    def _update(
        self, model: nn.Module, batch: Batch
    ) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
        """One step; returns the loss, and the labels that it was made with and those predicted."""
        r = self.recipe
        self._mode()
        for group in self.optimiser.param_groups:
            group["lr"] = (
                r.learning_rate * group["factor"] * r.rate(self.iteration, self.iterations)
            )
        arithmetic: AbstractContextManager[Any] = nullcontext()
        if r.mixed:
            arithmetic = torch.autocast(self.device.type, torch.bfloat16)
        with arithmetic:
            predictions = list(self._predict(model, batch))
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
        loss = torch.stack(losses).sum() / (truth != IGNORE).sum()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        value = loss.item()
        if not np.isfinite(value):
            raise InputError(
                f"the loss is {value} at update {self.iteration}; train again with an --lr below"
                f" {r.learning_rate:g}."
            )
        return value, (truth.cpu().numpy(), torch.cat(guessed).cpu().numpy())

    def _predict(self, model: nn.Module, batch: Batch) -> Iterator[Pixelwise]:
        r, net = self.recipe, self.network
        if r.kept:
            samples = [Sample(*(part.to(self.device) for part in sample)) for sample in batch]
            logits = net.forward_maps([sample.maps for sample in samples])
            for one, sample in zip(logits, samples, strict=True):
                yield one, sample.labels[None], sample.rows, sample.columns
        else:
            photos, truth = (part.to(self.device, non_blocking=True) for part in batch)
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
        }

    def save_state(self) -> None:
        """Write what `run(resume=True)` goes on from."""
        save_state(self.state_path, self.network, self.optimiser, self._facts(), self.iteration)

    def _log(self, loss: float, miou: float) -> None:
        path = self.out / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["iteration", "epoch", "loss", "train_miou", "learning_rate"])
            rate = self.recipe.learning_rate * self.recipe.rate(
                min(self.iteration, self.iterations - 1), self.iterations
            )
            epoch = self.iteration * self.recipe.batch / len(self.ids)
            writer.writerow(
                [self.iteration, f"{epoch:.3f}", f"{loss:.4f}", f"{miou:.4f}", f"{rate:.6f}"]
            )
