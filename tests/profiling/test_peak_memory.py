import os
import signal
from pathlib import Path

import pytest

from segviz.adapt.settings import Settings
from segviz.errors import InputError
from segviz.profiling import peak_memory as module
from segviz.profiling.peak_memory import peak

pytestmark = pytest.mark.slow


def test_peak_grows_with_the_scale(checkpoint_path):
    small, large = (
        peak(str(checkpoint_path), Settings(scale=scale, steps=1), threads=1) for scale in (1, 2)
    )
    # At least the input and its first maps; four times the pixels.
    assert 4 * 3 * 375 * 500 < small < large < 6 * small


def test_a_network_that_is_not_there():
    with pytest.raises(InputError, match="nothing-here"):
        peak("nothing-here", Settings(scale=1, steps=0))


def test_a_process_that_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_send", _die)
    with pytest.raises(InputError, match="was ended, by the system most likely"):
        peak(str(tmp_path / "seen"), Settings(scale=1, steps=0))
    assert (tmp_path / "seen").exists()  # it came so far


def _die(_, name, *__):
    Path(name).touch()
    os.kill(os.getpid(), signal.SIGKILL)
