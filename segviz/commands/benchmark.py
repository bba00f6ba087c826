"""segviz benchmark: time the forward pass and the steps."""

import json
from argparse import Namespace

from ..benchmark import benchmark
from .shared import load_checkpoint

__all__ = ["measure"]


def measure(options: Namespace) -> int:
    """Time the forward pass and the steps."""
    result = benchmark(load_checkpoint(options), options.scale, options.repeats)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28}{value if not isinstance(value, float) else round(value, 2)}")
    return 0
