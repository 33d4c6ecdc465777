"""A recording that is not what was sent is found, one that retention has shortened is not wrong."""

import numpy as np
import pytest
import wfdb

from monitor.config import RecordingSettings
from monitor.messages import AamiClass, Beat, End, Samples, StreamInfo
from monitor.recording.recorder import Recorder
from tools.load.soak_recording import read_back, size_mb

INFO = StreamInfo("bed", 200.0, ("II", "V1"))
PERIOD_MV = np.sin(np.arange(4000) / 7)[:, None].astype(np.float32) * [1.0, 0.5]
END = 24_000


@pytest.fixture
def folder(tmp_path):
    """Four segments of 30 s, six rounds of the period, with a beat in each."""
    said = []
    recorder = Recorder(tmp_path, RecordingSettings(segment_s=30.0), said.append)
    recorder.take(INFO, 0)
    for at in range(0, END, len(PERIOD_MV)):
        recorder.take(Samples("bed", at, PERIOD_MV.astype(np.float32)), 10**9 * at // 200)
        probabilities = (1.0, 0.0, 0.0, 0.0, 0.0)
        beat = Beat("bed", at + 9, at + 99, AamiClass.N, probabilities, None, 0, "m")
        recorder.take(beat, 10**9 * at // 200)
        recorder.flush()
    recorder.take(End("bed", END), 10**9 * END // 200)
    recorder.close()
    assert said == []
    return tmp_path / "bed"


def test_a_whole_recording(folder):
    stored = read_back(folder, PERIOD_MV, END)
    assert (stored.segments, stored.samples, stored.wrong) == (4, END, "")
    assert stored.annotations >= 6
    assert size_mb(folder) > END * 2 * 2 / 1e6


def test_what_retention_took_is_not_missed_but_a_hole_and_the_end_are(folder):
    first, second, _, last = sorted(folder.glob("*.hea"))
    first.unlink()
    assert read_back(folder, PERIOD_MV, END).wrong == ""
    text = second.with_suffix(".dat").read_bytes()
    second.with_suffix(".dat").write_bytes(text[:4000] + b"\0\1" + text[4002:])
    assert read_back(folder, PERIOD_MV, END).wrong.endswith("is not what was sent")
    second.with_suffix(".dat").write_bytes(text)
    assert "sent were" in read_back(folder, PERIOD_MV, END + 1).wrong
    third = sorted(folder.glob("*.hea"))[1]
    third.unlink()
    assert wfdb.rdheader(str(last.with_suffix(""))).base_counter == 18_000
    assert "begins at 18000, not 12000" in read_back(folder, PERIOD_MV, END).wrong
    last.unlink()
    assert "recorded up to 12000" in read_back(folder, PERIOD_MV, END).wrong
