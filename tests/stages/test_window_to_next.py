"""Windows to the next R peak: in a stream, close to the published rows of the same beats."""

import dataclasses

import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.messages import RPeak, StreamInfo
from monitor.models.manifest import Manifest
from monitor.stages.context import PatientContext
from monitor.stages.segment import BeatWindow
from tools.data.beats import stream_windows
from tools.data.kachuee import record_rows

MANIFEST = Manifest(
    name="rows",
    before_s=0.0,
    rate_hz=120.0,
    pad=1,
    scaling="minmax",
    window="to_next",
    following_rr=1.2,
    following_cap_s=1.6,
)


def window(following_rr_s, count=187):
    values = np.linspace(-1.0, 3.0, count).astype(np.float32)
    return BeatWindow(RPeak("t", 500, 700), values, 0.8, following_rr_s, True)


def test_signal_up_to_a_fifth_behind_the_next_r_peak_then_zeros():
    signal, features = PatientContext(MANIFEST).push(window(0.5))
    assert signal.shape == (1, 188)
    assert features.shape == (0,)
    assert signal[0, 0] == 0.0
    assert signal[0, 71] == 1.0  # 0.6 s, scaled without what follows
    assert not signal[0, 72:].any()


def test_all_signal_if_the_next_r_peak_is_not_known():
    signal, _ = PatientContext(MANIFEST).push(window(None))
    assert signal[0, 186] == 1.0
    assert signal[0, 187] == 0.0


def test_standardised_windows_leave_the_padding_out():
    manifest = dataclasses.replace(MANIFEST, scaling="zscore")
    signal, _ = PatientContext(manifest).push(window(0.5))
    assert signal[0, :72].mean() == pytest.approx(0.0, abs=1e-5)
    assert signal[0, :72].std() == pytest.approx(1.0, abs=1e-4)
    assert not signal[0, 72:].any()


def test_streamed_beats_are_close_to_the_published_rows(data_dir):
    path = str(data_dir / "mitdb" / "100")
    found = wfdb.rdrecord(path, physical=False, channels=[0], sampto=40000)
    marks = wfdb.rdann(path, "atr", sampto=39000)
    rows = record_rows("100", found.d_signal[:, 0], marks.sample, marks.symbol)
    beats = np.array([s != "+" for s in marks.symbol])
    peaks = marks.sample[beats].astype(np.int64)
    mv = found.dac()[:, 0]
    context = PatientContext(MANIFEST)
    streamed = [
        context.push(w)[0][0, :187] for w in stream_windows(mv[:, None], 360.0, peaks, MANIFEST)
    ]
    assert len(streamed) == len(peaks)
    # the last row has no second interval; the streamed window is low-passed, the row is not
    difference = np.abs(np.stack(streamed)[:-2] - rows.signal[: len(streamed) - 2])
    assert np.median(difference) < 0.01
    assert np.mean(difference) < 0.03


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"before_s": 0.2}, "begin at the R peak"),
        ({"following_rr": 0.0}, "wait for the next"),
        ({"window": "round"}, "round"),
        ({"label_set": "mine"}, "mine"),
        ({"classes": ("N", "x")}, "known are"),
    ],
)
def test_manifests_that_cannot_be(changes, words):
    with pytest.raises(MonitorError, match=words):
        dataclasses.replace(MANIFEST, **changes)


def test_own_labels_need_no_aami_names():
    two = dataclasses.replace(MANIFEST, classes=("healthy", "infarction"), label_set="own")
    assert Manifest.from_json(two.to_json(), "test") == two


def test_streams_are_refused_for_own_labels():
    from monitor.models.bundle import Bundle
    from monitor.stages.classify import Classifier

    two = dataclasses.replace(MANIFEST, classes=("healthy", "infarction"), label_set="own")
    with pytest.raises(MonitorError, match="healthy, infarction"):
        Classifier(StreamInfo("t", 360.0, ("II",)), Bundle(two, None, "made", ""))
