"""Commands in processes of their own, and interruptions at a chosen moment."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from tests.forked import ForkedProcess, run_code

ROOT = Path(__file__).parents[2]

# A terminal's Ctrl-C: Python installs its handler only where the parent did not ignore the signal.
MAIN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
{setup}
from segviz.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def start_forked(*arguments, setup="", **options):
    """Start `segviz ARGUMENTS` with torch imported, after the Python statements of `setup`."""
    code = MAIN.format(setup=setup)
    return ForkedProcess(run_code, code, *map(str, arguments), cwd=ROOT, **options)


def start(*arguments, **options):
    """Start `python -m segviz ARGUMENTS`."""
    return subprocess.Popen(
        [sys.executable, "-m", "segviz", *map(str, arguments)],
        cwd=options.pop("cwd", ROOT),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@contextmanager
def on_forward(action):
    """Call `action(number, x)` before every forward pass, where x is the network's input.

    A forward pass begins with the convolution that sees the three colours. Passes on the meta
    device, which only count memory, are left out.
    """
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    number = 0

    def hook(module, inputs):
        nonlocal number
        if isinstance(module, torch.nn.Conv2d) and module.in_channels == 3:
            if inputs[0].device.type == "meta":
                return
            number += 1
            action(number, inputs[0])

    handle = register_module_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def pause():
    """Say that the moment has come, and wait for the signal."""
    import signal

    print("ready", file=sys.stderr, flush=True)
    signal.pause()


def wait_until_ready(program):
    """Read the errors of a program until it pauses."""
    while "ready" not in program.stderr.readline():
        assert program.poll() is None
