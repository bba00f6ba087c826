"""A run as MP4."""

import pytest

from segviz.errors import InputError
from segviz.export import animation, video


def test_without_the_encoder_the_error_says_what_to_install(record, monkeypatch):
    monkeypatch.setattr(video, "PACKAGE", "no_such_package")
    assert not video.has_encoder()
    with pytest.raises(InputError, match=r"imageio-ffmpeg.*pip install.*webp"):
        video.mp4(record)


@pytest.mark.skipif(not video.has_encoder(), reason="imageio-ffmpeg is not installed")
def test_every_step_is_a_frame_and_both_ends_hold(record, tmp_path):
    import imageio_ffmpeg

    path = tmp_path / "run.mp4"
    path.write_bytes(video.mp4(record, names=("prediction",)))
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    hold = 2 * (round(animation.HOLD_MS / animation.STEP_MS) - 1)
    assert frames == len(record.steps) + hold
    assert seconds == pytest.approx(frames * animation.STEP_MS / 1000, rel=0.05)
