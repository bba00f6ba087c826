"""Measure the samples a second of training, and where a GPU's time goes.

    python benchmarks/training_speed.py --voc-root DIR --backbone tf_efficientnet_lite2 --compile

Prints one line of JSON.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch

from segviz.data.splits import voc_images
from segviz.data.voc import find_root
from segviz.network import Architecture
from segviz.runtime.device import choose_device
from segviz.training.recipe import Recipe
from segviz.training.trainer import Trainer

WARM_UP = 8  # updates that are not timed: kernels are chosen, a graph is captured


def main() -> None:
    """Train for some updates and print the speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voc-root", type=Path, required=True)
    parser.add_argument("--split", default="train")
    parser.add_argument("--backbone", default="tf_efficientnet_lite2")
    parser.add_argument("--stride", type=int, default=4)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--crop", type=int, default=321)
    parser.add_argument("--loss-stride", type=int, default=2)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--loaders", type=int, default=8)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--profile", action="store_true", help="print the slowest kernels")
    options = parser.parse_args()

    device = choose_device(options.device)
    cuda = device.type == "cuda"
    architecture = Architecture.of(
        options.backbone,
        output_stride=32,
        stride=options.stride,
        channels=options.channels,
        groups=1,
        levels=6,
        pooled_context=False,
    )
    recipe = Recipe(
        crop=options.crop,
        batch=options.batch,
        epochs=1e4,
        loss_stride=options.loss_stride,
        freeze_norm=False,
        mixed=cuda,
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            voc_images(find_root(options.voc_root), options.split),
            architecture,
            recipe,
            Path(folder),
            device=device,
            loaders=options.loaders,
            memory=True,
            on_device=True,
            compile=options.compile,
        )
        started = time.perf_counter()
        marks: list[float] = []

        def stop() -> bool:
            if len(marks) in (WARM_UP - 1, WARM_UP + options.updates - 1) and cuda:
                torch.cuda.synchronize()
            marks.append(time.perf_counter())
            return len(marks) == WARM_UP + options.updates

        trainer.run(stop=stop)
        seconds = marks[-1] - marks[WARM_UP - 1]
        found = {
            "device": torch.cuda.get_device_name() if cuda else "cpu",
            "torch": torch.__version__,
            "backbone": options.backbone,
            "stride": options.stride,
            "batch": options.batch,
            "crop": options.crop,
            "compiled": options.compile,
            "samples_per_second": round(options.updates * options.batch / seconds, 1),
            "seconds_before": round(marks[WARM_UP - 1] - started, 1),
            "peak_gigabytes": round(torch.cuda.max_memory_allocated() / 1e9, 1) if cuda else None,
        }
        print(json.dumps(found), flush=True)
        if options.profile and cuda:
            print(_profile(trainer), flush=True)


def _profile(trainer: Trainer) -> str:
    """Return a table of the slowest kernels of a few updates."""
    activities = [torch.profiler.ProfilerActivity.CUDA]
    batches = trainer.batches()
    with torch.profiler.profile(activities=activities) as profile:
        for batch, _ in zip(batches, range(3), strict=False):
            trainer.train_step(trainer.network, batch)
        torch.cuda.synchronize()
    return profile.key_averages().table(
        sort_by="self_cuda_time_total", row_limit=25, max_name_column_width=90
    )


if __name__ == "__main__":
    main()
