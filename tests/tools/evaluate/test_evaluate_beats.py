"""Shipped models of one beat window still have the figures that they state."""

import numpy as np
import pytest
import torch
import wfdb

from monitor.errors import MonitorError
from monitor.models.bundle import load_bundle
from monitor.models.shipped import SHIPPED
from tools.confusion import Confusion, calibration_error
from tools.data.beat_sets import SETS
from tools.data.kachuee import record_rows
from tools.evaluate import labels as evaluate
from tools.evaluate.beats import measure, probabilities, streamed

NAMES = [name for name in SETS if name in SHIPPED]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.mark.parametrize("name", NAMES)
def test_shipped_figures_are_reached_on_the_same_test_part(name, data_dir, work):
    bundle = load_bundle(name)
    beats = SETS[name](data_dir, work, False)
    assert beats.sha256() == bundle.manifest.data_sha256
    part = beats.test[::5]  # every fifth: enough to see a network fed wrongly
    found = probabilities(bundle, beats.signal[part]).argmax(axis=1)
    result = Confusion.of(beats.label[part], found, bundle.manifest.classes)
    assert result.accuracy == pytest.approx(bundle.manifest.metrics["accuracy"], abs=0.006)


def test_beats_in_a_stream_get_the_classes_of_their_rows(data_dir):
    path = str(data_dir / "mitdb" / "119")  # a fifth of its beats are ventricular
    signal = wfdb.rdrecord(path, physical=False, channels=[0]).d_signal[:, 0]
    marks = wfdb.rdann(path, "atr")
    rows = record_rows("119", signal, marks.sample, marks.symbol)
    result = streamed(load_bundle("kaggle5"), data_dir, rows, np.arange(len(rows.label)))
    assert result.counts.sum() == len(rows.label)
    assert result.counts[2].sum() == (rows.label == 2).sum() == 444
    assert result.accuracy > 0.99


def test_calibration_error_by_hand():
    found = np.array([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65], [0.35, 0.65]])
    # sure and right half of the time; 0.65 and always right
    assert calibration_error(
        found.max(axis=1), found.argmax(axis=1) == [0, 1, 1, 1]
    ) == pytest.approx(0.225 + 0.175)


def test_models_of_another_kind_are_refused(tmp_path):
    with pytest.raises(MonitorError, match=r"tools\.evaluate"):
        measure("aami", tmp_path, tmp_path)


def test_models_of_one_beat_window_are_refused_by_the_other_tool():
    with pytest.raises(MonitorError, match=r"use tools\.evaluate\.beats"):
        evaluate.main(["kaggle5", "--write"])


def test_the_card_of_aami_is_not_that_of_another_model(tmp_path):
    text = 'name = "mine"\nbefore_s = 0\nlength = 16\nclasses = ["N", "V"]\n'
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    torch.jit.save(torch.jit.script(net), tmp_path / "mine.pt")
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(MonitorError, match="is not aami"):
        evaluate.main([str(tmp_path / "mine.pt"), "--write"])


def test_a_card_of_other_records_is_not_written(capsys):
    with pytest.raises(SystemExit):
        evaluate.main(["aami", "--records", "ds1", "--write"])
    assert "of DS2" in capsys.readouterr().err


def test_missing_records_are_one_clear_error(tmp_path):
    with pytest.raises(MonitorError, match=r"no mitdb/ in .*ECG_MONITOR_DATA"):
        measure("kaggle5", tmp_path, tmp_path)
