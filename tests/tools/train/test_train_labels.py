"""Training of ``aami``: its beats, its checkpoints, its options."""

import sys

import numpy as np
import pytest
import torch

from monitor.errors import MonitorError
from monitor.models.manifest import Manifest
from tools.data.beats import Beats
from tools.train import labels as train
from tools.train.label_set import CAPS, HELD, Set, thinned
from tools.train.labels import built, fit

pytestmark = pytest.mark.slow

MANIFEST = Manifest(name="made", before_s=0.4, channels=("beat", "template"), leads=2)


def made_beats(count=300, seed=0):
    """Beats whose class is the place of a bump, in both leads."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, count)
    at = np.arange(188)[None, None]
    signal = np.exp(-(((at - 40 - 30 * label[:, None, None]) / 6) ** 2)).repeat(4, axis=1)
    signal += rng.normal(0, 0.05, signal.shape)
    return Set(
        torch.from_numpy(signal.astype(np.float32)),
        torch.zeros(count, 0),
        torch.from_numpy(label),
        np.zeros(count, np.int64),
    )


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in (("WIDTH", 8), ("BATCH", 32), ("EPOCHS", 3), ("AVERAGE", 0.8)):
        monkeypatch.setattr(train, name, value)


def test_an_interrupted_run_ends_where_a_whole_one_does(tmp_path, monkeypatch):
    beats, calls, real = made_beats(), [], train.draw
    whole = fit(beats, MANIFEST, 1, "whole")

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 4:  # the first counts the steps
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(train, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(beats, MANIFEST, 1, "part", tmp_path / "part.ckpt")
    monkeypatch.setattr(train, "draw", real)
    resumed = fit(beats, MANIFEST, 1, "rest", tmp_path / "part.ckpt")
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_is_taken_up_by_its_own_training_only(tmp_path, monkeypatch):
    path = tmp_path / "done.ckpt"
    fit(made_beats(), MANIFEST, 1, "done", path)
    fit(made_beats(), MANIFEST, 1, "again", path)
    with pytest.raises(MonitorError, match=r"done\.ckpt is of a training with other beats"):
        fit(made_beats(seed=2), MANIFEST, 1, "other", path)
    monkeypatch.setattr(train, "GAIN", 0.2)
    with pytest.raises(MonitorError, match="other beats or settings"):
        fit(made_beats(), MANIFEST, 1, "other", path)


def test_classes_with_many_beats_are_thinned_and_rare_ones_kept_in_order():
    label = np.repeat([0, 1, 2], [5000, 7, 900])
    at = np.arange(len(label))
    beats = Beats(at[:, None], at[:, None], label, np.full(len(label), "N"), at)
    kept = thinned(beats, np.random.default_rng(1))
    assert np.bincount(kept.label).tolist() == [HELD * CAPS[0], 7, HELD * CAPS[2]]
    assert (np.diff(kept.sample) > 0).all()
    np.testing.assert_array_equal(kept.signal[:, 0], kept.sample)
    np.testing.assert_array_equal(kept.label, label[kept.sample])


def test_building_beats_shows_how_far_it_is(tmp_path, monkeypatch, capsys):
    nothing = Beats(*(np.zeros(0),) * 5)
    monkeypatch.setattr(train, "cached", lambda *_: nothing)
    monkeypatch.setattr(train, "STREAMS", {"mitdb": ("clean", "rough"), "svdb": ("clean",)})
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert len(list(built(tmp_path, ["mitdb/101", "svdb/800"], tmp_path))) == 3
    out = capsys.readouterr().out
    assert "building beats" in out
    assert "100%" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seed", "one"], "--seed: invalid number value: 'one'"),
        (["--seed", "-1"], "--seed: -1 is less than 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, words, capsys):
    with pytest.raises(SystemExit) as stop:
        train.main(options)
    assert stop.value.code == 2
    assert words in capsys.readouterr().err
