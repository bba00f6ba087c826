"""Compare the states or steps of two episodes."""

import numpy as np
import torch


def assert_same(a, b):
    """Two lists of states or steps, equal but for their times."""
    assert len(a) == len(b)
    for first, second in zip(a, b, strict=True):
        names = getattr(first, "_fields", None) or first.__dataclass_fields__
        for name in names:
            if name == "ms":
                continue
            x, y = getattr(first, name), getattr(second, name)
            if isinstance(x, torch.Tensor):
                assert torch.equal(x, y), name
            elif isinstance(x, float):
                assert np.array_equal(x, y, equal_nan=True), name
            elif isinstance(x, tuple) and len(x) == 2 and isinstance(x[0], np.ndarray):
                assert all(map(np.array_equal, x, y)), name
            elif isinstance(x, np.ndarray):
                assert np.array_equal(x, y), name
            else:
                assert x == y, name
