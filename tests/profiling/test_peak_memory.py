import pytest

from segviz.adapt.settings import Settings
from segviz.profiling.peak_memory import peak_memory


@pytest.mark.slow
def test_peak_grows_with_the_scale(checkpoint_path):
    small, large = (
        peak_memory(str(checkpoint_path), Settings(scale=scale, steps=1), threads=1)
        for scale in (1, 2)
    )
    # At least the input and its first maps; four times the pixels.
    assert 4 * 3 * 375 * 500 < small < large < 6 * small
