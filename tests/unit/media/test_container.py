"""Files as sources, made by the same library."""

from __future__ import annotations

import fractions
from pathlib import Path

import av
import numpy as np
import pytest

from zego_widget.errors import InvalidArgument
from zego_widget.media.config import CaptureConfig
from zego_widget.media.container import ContainerAudio, ContainerVideo
from zego_widget.media.sources import EndOfSource, TestPattern, Tone

CONFIG = CaptureConfig()
PICTURES, FPS, RATE = 10, 10, 44100


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One second: ten numbered pictures and a tone of 1 kHz."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    pattern, tone = TestPattern(), Tone(1000, sample_rate=RATE)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libvpx", rate=FPS)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE)
        audio.layout = "mono"
        for number in range(PICTURES):
            frame = av.VideoFrame.from_ndarray(pattern.draw(number, 320, 180), format="rgb24")
            frame.pts, frame.time_base = number, fractions.Fraction(1, FPS)
            container.mux(video.encode(frame))
            sound = av.AudioFrame.from_ndarray(tone.samples(RATE // FPS).reshape(1, -1), format="s16", layout="mono")
            sound.sample_rate, sound.pts = RATE, number * (RATE // FPS)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return str(path)


def number(frame: object) -> int | None:
    return TestPattern.read_number(frame.to_ndarray(format="rgb24")) if isinstance(frame, av.VideoFrame) else None


def test_pictures_come_at_their_times_and_end(clip: str) -> None:
    source = ContainerVideo(clip)
    times = [5.0, 5.05, 5.1, 5.35, 5.9]
    assert [number(source.picture(time, CONFIG)) for time in times] == [0, None, 1, 3, 9]
    with pytest.raises(EndOfSource):
        source.picture(6.1, CONFIG)
    source.close()


def test_a_loop_begins_again(clip: str) -> None:
    source = ContainerVideo(clip, loop=True)
    shown = [number(source.picture(tick / FPS, CONFIG)) for tick in range(2 * PICTURES)]
    assert shown == [*range(PICTURES), *range(PICTURES)]
    source.close()


def test_a_closed_source_begins_anew(clip: str) -> None:
    source = ContainerVideo(clip)
    assert number(source.picture(0.0, CONFIG)) == 0
    assert number(source.picture(0.5, CONFIG)) == 5
    source.close()
    assert number(source.picture(0.6, CONFIG)) == 0
    source.close()
    source.close()


def test_sound_is_resampled_to_48_khz(clip: str) -> None:
    source = ContainerAudio(clip)
    sound = source.samples(60000)
    with pytest.raises(EndOfSource):
        source.samples(960)
    assert sound.shape[1] == 2
    assert abs(len(sound) - 48000) < 960
    spectrum = np.abs(np.fft.rfft(sound[4800:28800, 0].astype(float)))
    assert spectrum.argmax() * 2 == 1000
    source.close()


def test_a_looped_sound_has_no_end(clip: str) -> None:
    source = ContainerAudio(clip, loop=True)
    assert all(len(source.samples(9600)) == 9600 for _ in range(15))
    source.close()


def test_a_file_that_is_not_there_or_has_no_such_track_is_an_error(clip: str, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        ContainerVideo(str(tmp_path / "nothing.mkv")).picture(0.0, CONFIG)
    silent = tmp_path / "silent.mkv"
    with av.open(clip) as source, av.open(str(silent), "w") as container:
        video = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = video
                container.mux(packet)
    with pytest.raises(InvalidArgument, match="no audio"):
        ContainerAudio(str(silent)).samples(960)
