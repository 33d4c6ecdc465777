"""A disk that refuses, and defects of the recorder: known, bounded to what they concern."""

import os
from pathlib import Path

import numpy as np
import pytest
from bedside import INFO, RATE_HZ, WALL_NS, Bedside, beat, read, records, signal_mv
from monitor_process import wait_for

from monitor.config import RecordingSettings
from monitor.messages import (
    Samples,
    StreamInfo,
)
from monitor.recording.recorder import Recorder
from monitor.recording.stream import StreamRecording
from monitor.recording.thread import RecordingThread
from monitor.wire.protocol import StreamState, StreamStatus

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("place", ["samples", "event", "flush"])
def test_a_defect_ends_the_recording_of_its_stream_alone(tmp_path, place, monkeypatch):
    bedside = Bedside(tmp_path)
    other = StreamInfo("bed-8", RATE_HZ, ("II",))
    recorder = bedside.recorder
    recorder.take(other, WALL_NS)
    real = getattr(StreamRecording, place)

    def broken(recording, *arguments):
        if recording.info.stream == "bed-7" and defect:
            raise ZeroDivisionError("oh")
        return real(recording, *arguments)

    defect = True
    monkeypatch.setattr(StreamRecording, place, broken)
    for at in range(0, 1000, 100):
        bedside.samples(at, signal_mv(100))
        recorder.take(beat(at), WALL_NS)
        recorder.take(Samples("bed-8", at, signal_mv(100, 1)), WALL_NS)
        recorder.take(StreamState("bed-7", StreamStatus.LIVE, "", INFO, at), WALL_NS)
        recorder.flush()
    assert recorder.problems == {"bed-7": "ZeroDivisionError: oh"}
    defect = False
    recorder.take(INFO, WALL_NS)
    assert recorder.problems == {}
    bedside.samples(1000, signal_mv(100))
    recorder.close()
    lengths = [read(path).sig_len for path in records(tmp_path) if path.parent.name == "bed-8"]
    assert lengths == [1000]
    assert read(records(tmp_path)[-2]).base_counter == 1000
    assert len(bedside.said) == 2


@pytest.mark.parametrize("refused", ["dat", "mon", "hea"])
def test_a_disk_that_refuses_is_a_problem_until_it_takes_again(tmp_path, refused, monkeypatch):
    values = signal_mv(4000)
    bedside = Bedside(tmp_path, hole_s=0)
    bedside.samples(0, values[:1000])
    bedside.recorder.flush()
    (path,) = records(tmp_path)
    real = os.open, Path.write_bytes
    full = True

    def refuse(given):
        if full and Path(given).name.removesuffix(".tmp").endswith(refused):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", lambda p, *a: refuse(p) or real[0](p, *a))
    monkeypatch.setattr(Path, "write_bytes", lambda p, *a: refuse(p) or real[1](p, *a))
    for at in range(1000, 3000, 250):
        bedside.samples(at, values[at : at + 250])
        bedside.recorder.take(beat(at), WALL_NS)
        bedside.recorder.flush()
        assert bedside.recorder.problems == {"bed-7": "No space left on device"}
        stored = read(path).p_signal.astype(np.float32)
        assert (stored == values[: len(stored)]).all()
    full = False
    bedside.samples(3000, values[3000:])
    bedside.recorder.flush()
    assert bedside.recorder.problems == {}
    bedside.close()
    stored = [(r.base_counter, r.p_signal.astype(np.float32)) for r in map(read, records(tmp_path))]
    for start, signal in stored:
        assert (signal == values[int(start) : int(start) + len(signal)]).all()
    assert stored[-1][0] + len(stored[-1][1]) == 4000
    assert sum(len(signal) for _, signal in stored) >= 4000 - 2000 - 250  # 10 s wait, more is lost
    assert len(bedside.said) == 2
    assert not list(tmp_path.glob("*/*.tmp")) + list(tmp_path.glob("*/*.open"))


def test_a_defect_of_the_recorder_is_a_problem_of_every_stream(tmp_path, monkeypatch):
    def broken(self):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(Recorder, "flush", broken)
    said = []
    recording = RecordingThread(tmp_path, RecordingSettings(), said.append)
    wait_for(lambda: said, "the end of the recorder")
    recording.deliver(Samples("bed-7", 0, signal_mv(10)))
    assert recording.problems() == {"bed-7": "ZeroDivisionError: oh"}
    recording.close()
