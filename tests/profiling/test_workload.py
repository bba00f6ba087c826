import numpy as np
import pytest

from segviz.errors import InputError
from segviz.profiling.workload import benchmark_photo, load_or_build


def test_photo():
    photo = benchmark_photo()
    assert photo.shape == (375, 500, 3) and photo.dtype == np.uint8


def test_networks(checkpoint_path):
    network = load_or_build("mobilenetv2_100")
    assert network.name == "mobilenetv2_100, untrained" and not network.sha256
    assert not network.network.training
    assert load_or_build(str(checkpoint_path)).network.architecture.channels == 16
    with pytest.raises(InputError, match="nothing-here"):
        load_or_build("nothing-here")
