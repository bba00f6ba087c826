"""Time the phases of an episode on a GPU, from importing PyTorch to the last copied map.

    python benchmarks/episode_phases.py mobilenetv2_100-voc dla34 --scale 3

Prints a line a phase: the first episode pays for kernels and libraries, the third for nothing but
itself. `--profile` adds the slowest kernels of a forward pass and of a step.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

START = time.perf_counter()

import torch  # noqa: E402

from segviz.adapt.captured_episode import is_captured  # noqa: E402
from segviz.adapt.device_step import DeviceStep  # noqa: E402
from segviz.adapt.episode import run_episode  # noqa: E402
from segviz.adapt.memory import MemoryBudget  # noqa: E402
from segviz.adapt.photo_views import PhotoViews, Reference  # noqa: E402
from segviz.adapt.settings import Settings  # noqa: E402
from segviz.network.dynamic import Segmenter  # noqa: E402
from segviz.profiling.workload import benchmark_photo, load_or_build  # noqa: E402
from segviz.runs.run import Run  # noqa: E402
from segviz.runtime.device import choose_device  # noqa: E402

STEPS = 32


class Clock:
    """Print the milliseconds since the last lap, once the device is idle."""

    def __init__(self) -> None:
        self.last = START

    def lap(self, name: str, repeats: int = 1) -> None:
        """Print and begin anew."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.perf_counter()
        print(f"{name:58}{1e3 * (now - self.last) / repeats:12.2f} ms", flush=True)
        self.last = time.perf_counter()


def main() -> None:
    """Time the phases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--scale", type=float, default=3.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    clock = Clock()
    clock.lap("import")
    device = choose_device(options.device)
    torch.zeros(1, device=device)
    clock.lap(f"start of {device}")
    photo = benchmark_photo()
    settings = Settings(scale=options.scale, steps=STEPS)
    for name in options.networks:
        checkpoint = load_or_build(name, device)
        network = checkpoint.network
        assert isinstance(network, Segmenter)
        clock.lap(f"{name}: load")
        MemoryBudget(network, *photo.shape[:2]).check(settings)
        clock.lap("estimate of the memory")
        views = PhotoViews(network, photo)
        view = views.encoded(options.scale)
        clock.lap("first forward pass")
        for _ in range(5):
            PhotoViews(network, photo).encoded(options.scale)
        clock.lap("forward pass with resizing", 5)
        time_layouts(clock, network, view.x)
        print(f"captured: {is_captured(views, settings)}")
        step = DeviceStep(views, settings)
        step()
        clock.lap("first step")
        for _ in range(10):
            step()
        clock.lap("step, its kernels one by one", 10)
        for count in ("first", "second", "third"):
            list(run_episode(PhotoViews(network, photo), settings))
            clock.lap(f"{count} episode of {STEPS} steps with all maps")
        list(run_episode(views, settings))
        clock.lap("episode of an encoded photo")
        labels = next(run_episode(views, Settings(scale=1.0, steps=0))).labels
        clock.lap("1x prediction")
        list(run_episode(PhotoViews(network, photo, Reference(labels)), settings))
        clock.lap("episode against a reference")
        Run(checkpoint, photo, settings, labels).all()
        clock.lap("run with its record")
        if options.profile and device.type == "cuda":
            profile(partial(network.encode, view.x))
            profile(step)


def time_layouts(clock: Clock, network: Segmenter, x: torch.Tensor) -> None:
    """Time the forward pass in either layout of memory, by parts."""
    with torch.no_grad():
        for layout in (torch.contiguous_format, torch.channels_last):
            x = x.contiguous(memory_format=layout)
            for part in network.parts():
                part.to(memory_format=layout)
            network.freeze()
            for count in (1, 5):  # the first chooses kernels
                for _ in range(count):
                    maps = network.pyramid(x, network.fast_backbone)
                clock.lap(f"backbone, {layout}, {count} times", count)
            for count in (1, 5):
                for _ in range(count):
                    F = network.features(x, network.fast_backbone)
                clock.lap(f"features, {layout}, {count} times", count)
            for count in (1, 5):
                for _ in range(count):
                    network.scale_space(F)
                clock.lap(f"scale space, {layout}, {count} times", count)
            del maps


def profile(function: Callable[[], object]) -> None:
    """Print the slowest kernels of a function."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as record

    with record(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found, torch.no_grad():
        function()
        torch.cuda.synchronize()
    print(
        found.key_averages().table(
            sort_by="cuda_time_total", row_limit=12, max_name_column_width=60
        )
    )


if __name__ == "__main__":
    main()
