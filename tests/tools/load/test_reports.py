"""The tool that makes many reports: a record again and again, and a record that is not there."""

import numpy as np

from monitor.analysis import Analysis
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    Priority,
    StreamInfo,
)
from tools.load.reports import main, repeated

INFO = StreamInfo("made", 250.0, ("II",))


def test_a_recording_is_repeated_with_all_that_was_found():
    values = np.arange(250 * 60, dtype=np.float32)[:, None]
    beat = Beat("made", 100, 200, AamiClass.V, (0, 0, 1, 0, 0), None, 0, "m")
    alert = Alert("made", 1, 1, AlertKind.COUPLET, Priority.LOW, AlertState.RAISED, 90, 110, "x",
                  beats=(100,))  # fmt: skip
    day = repeated(Analysis("made", INFO, values, (beat, alert)), 3 / 60)
    assert day.duration_s == 180
    assert [b.sample for b in day.beats] == [100, 15_100, 30_100]
    assert [(a.onset_sample, a.sample, a.beats) for a in day.raised][1] == (
        15_090,
        15_110,
        (15_100,),
    )
    assert np.array_equal(day.values_mv[15_000:30_000], values)


def test_a_record_that_is_not_there_fails(tmp_path, capsys):
    (tmp_path / "mitdb").mkdir()
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "o"), "--records", "100"]
    assert main(options) == 1
    assert "there is no record" in capsys.readouterr().out
