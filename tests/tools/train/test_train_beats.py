"""Training of the beat-window models: draws, augmentation, priors, resumption, bundles."""

import dataclasses

import numpy as np
import pytest
import torch
from ptb_records import write_record

from monitor.errors import MonitorError
from monitor.messages import StreamInfo
from monitor.models.beat_networks import length_channel
from monitor.models.bundle import load_bundle, save_bundle
from monitor.stages.classify import Classifier
from tools.data.beat_sets import BeatSet
from tools.evaluate import beats as evaluate_beats
from tools.evaluate.beats import measure
from tools.train import beats as train_beats
from tools.train.beats import RECIPES, draw, fit, inputs, make_manifest, prior_shift, vary


def made_rows(count=400, classes=2, seed=0):
    """Rows whose class is the place of a bump, and whose lengths differ."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, classes, count)
    at = np.arange(187)[None, :]
    rows = np.exp(-(((at - 20 - 15 * label[:, None]) / 5) ** 2)) + 0.1
    rows += rng.normal(0, 0.02, rows.shape)
    rows[at >= rng.integers(100, 187, count)[:, None]] = 0
    return np.clip(rows, 0, 1).astype(np.float32), label.astype(np.int64)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_networks_take_single_beats_and_batches(name):
    recipe = RECIPES[name]
    net = train_beats.make_network(recipe).eval()
    signal = inputs(made_rows(8)[0], recipe)
    with torch.inference_mode():
        out = net(signal)
        alone = net(signal[3:4])
    assert out.shape == (8, len(recipe.classes))
    torch.testing.assert_close(out[3:4], alone, atol=1e-5, rtol=1e-4)


def test_length_channel_ends_at_the_last_sample_that_is_not_zero():
    signal = torch.tensor([[[0.0, 0.5, 0.0, -0.2, 0.0, 0.0]]])
    assert length_channel(signal)[0, 1].tolist() == [1, 1, 1, 1, 0, 0]
    assert not length_channel(torch.zeros(1, 1, 6))[0, 1].any()


def test_draw_takes_every_beat_before_any_twice():
    label = np.array([0] * 100 + [1] * 10)
    chosen = draw(label, (40, 25), np.random.default_rng(1))
    times = np.bincount(chosen, minlength=110)
    assert times[:100].sum() == 40
    assert times[:100].max() == 1
    assert times[100:].sum() == 25
    assert set(times[100:]) == {2, 3}


def test_variation_keeps_padding_and_stays_close():
    signal = inputs(made_rows(50)[0], RECIPES["kaggle5"])
    varied = vary(signal, torch.Generator().manual_seed(1))
    ends = (signal != 0).sum(2) - (varied != 0).sum(2)
    assert ends.abs().max() <= 2
    assert not torch.equal(signal, varied)
    assert (varied - signal).abs().mean() < 0.05


def test_prior_shift_is_bayes_rule():
    label = np.array([0] * 90 + [1] * 10)
    shift = prior_shift(label, (50, 50))
    # equal evidence under equal shares becomes the true shares
    torch.testing.assert_close(torch.softmax(shift, 0), torch.tensor([0.9, 0.1]))


@pytest.fixture
def small(monkeypatch):
    recipe = dataclasses.replace(RECIPES["cnn"], classes=("a", "b"), draw=(192, 192))
    monkeypatch.setattr(train_beats, "WIDTH", 8)
    monkeypatch.setattr(train_beats, "BATCH", 32)
    monkeypatch.setattr(train_beats, "AVERAGE", 0.8)
    return recipe


def test_training_learns_what_can_be_learned(small):
    rows, label = made_rows()
    net = fit(inputs(rows, small), label, small, 1, "test", 8)
    other, truth = made_rows(seed=5)
    with torch.inference_mode():
        found = net(inputs(other, small)).argmax(1).numpy()
    assert (found == truth).mean() > 0.95


def test_an_interrupted_run_ends_where_a_whole_one_does(small, tmp_path, monkeypatch):
    rows, label = made_rows()
    signal = inputs(rows, small)
    whole = fit(signal, label, small, 1, "whole", 3)
    calls = []
    real = train_beats.draw

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(train_beats, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(signal, label, small, 1, "part", 3, tmp_path / "part.ckpt")
    monkeypatch.setattr(train_beats, "draw", real)
    resumed = fit(signal, label, small, 1, "rest", 3, tmp_path / "part.ckpt")
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_is_taken_up_by_its_own_training_only(small, tmp_path):
    rows, label = made_rows()
    signal, path = inputs(rows, small), tmp_path / "done.ckpt"
    fit(signal, label, small, 1, "done", 1, path)
    fit(signal, label, small, 1, "again", 1, path)
    for changed in ((signal * 0.5, label), (signal, 1 - label)):
        with pytest.raises(MonitorError, match=r"done\.ckpt is of a training with other beats"):
            fit(*changed, small, 1, "other", 1, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(MonitorError, match=r"cannot read checkpoint .*done\.ckpt: remove it"):
        fit(signal, label, small, 1, "broken", 1, path)


def test_a_checkpoint_is_written_whole_or_not(small, tmp_path, monkeypatch):
    rows, label = made_rows()
    path, real, saved = tmp_path / "part.ckpt", torch.save, []

    def killed_the_second_time(state, place):
        if saved:
            place.write_bytes(b"half")
            raise KeyboardInterrupt
        real(state, place)
        saved.append(place.read_bytes())

    monkeypatch.setattr(torch, "save", killed_the_second_time)
    with pytest.raises(KeyboardInterrupt):
        fit(inputs(rows, small), label, small, 1, "killed", 2, path)
    assert [path.read_bytes()] == saved


def test_a_class_without_beats_is_one_clear_error(small):
    rows, label = made_rows()
    with pytest.raises(MonitorError, match="no beats of class b"):
        fit(inputs(rows, small), np.zeros_like(label), small, 1, "test", 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["kaggle5", "--rounds", "0"], "--rounds: 0 is less than 1"),
        (["kaggle5", "--seed", "-1"], "--seed: -1 is less than 0"),
        (["kaggle5", "--by-beat"], "for ptb-mi"),
        (["cnn", "--download"], "for ptb-mi"),
        (["ptb-mi", "--csv"], "five classes"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, words, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        train_beats.main([*options, "--data", str(tmp_path), "--work", str(tmp_path), "--keep"])
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_bundles_load_and_say_their_split(name, tmp_path):
    rows, label = made_rows(20, len(RECIPES[name].classes))
    beats = BeatSet(rows, label, np.arange(15), np.arange(15, 20), "made", "at random by beat")
    net = train_beats.make_network(RECIPES[name])
    save_bundle(net, make_manifest(name, beats, "python", 1), tmp_path / "net.pt")
    bundle = load_bundle(str(tmp_path / "net.pt"))
    assert "by beat" in bundle.manifest.data
    signal = inputs(rows, RECIPES[name])
    with torch.inference_mode():
        wanted = net(signal)
    found = bundle.probabilities(signal, torch.zeros(20, 0))
    assert torch.equal(found.argmax(1), wanted.argmax(1))
    info = StreamInfo("t", 360.0, ("II",))
    if bundle.manifest.label_set == "aami":
        Classifier(info, bundle)
    else:
        with pytest.raises(MonitorError, match="cannot label a stream"):
            Classifier(info, bundle)


def test_infarction_model_is_trained_and_kept_from_records(tmp_path, monkeypatch, capsys):
    for k in range(2):
        write_record(tmp_path / "ptbdb", f"patient00{k}", f"s000{k}", "Healthy control")
        write_record(
            tmp_path / "ptbdb", f"patient10{k}", f"s010{k}", "Myocardial infarction", height_mv=0.6
        )
    monkeypatch.setattr(train_beats, "WIDTH", 8)
    small = dataclasses.replace(RECIPES["ptb-mi"], draw=(64, 64))
    monkeypatch.setitem(train_beats.RECIPES, "ptb-mi", small)
    work = tmp_path / "work"
    argv = ["ptb-mi", "--data", str(tmp_path), "--work", str(work), "--rounds", "1", "--keep"]
    assert train_beats.main(argv) == 0
    assert "split by patient" in capsys.readouterr().out
    manifest = load_bundle(str(work / "ptb-mi-1.pt")).manifest
    assert manifest.classes == ("healthy", "infarction")
    assert manifest.metrics["split"] == "by patient"
    assert train_beats.main([*argv, "--by-beat"]) == 0
    manifest = load_bundle(str(work / "ptb-mi-by-beat-1.pt")).manifest
    assert manifest.metrics["split"] == "at random by beat"


def test_infarction_model_without_its_database_is_one_clear_error(tmp_path):
    with pytest.raises(MonitorError, match="ptbdb"):
        train_beats.main(["ptb-mi", "--data", str(tmp_path), "--work", str(tmp_path / "w")])


def test_training_from_the_published_files_keeps_their_split(tmp_path, monkeypatch, capsys):
    (tmp_path / "kaggle").mkdir()
    for part, count in (("train", 60), ("test", 25)):
        rows, label = made_rows(count, 5, seed=count)
        table = np.c_[rows, label]
        table[3, 7] = np.nan
        np.savetxt(tmp_path / "kaggle" / f"mitbih_{part}.csv", table, "%.6f", ",")
    monkeypatch.setattr(train_beats, "WIDTH", 8)
    small = dataclasses.replace(RECIPES["cnn"], draw=(30, 30, 30, 30, 30))
    monkeypatch.setitem(train_beats.RECIPES, "cnn", small)
    work = tmp_path / "work"
    argv = ["cnn", "--csv", "--data", str(tmp_path), "--work", str(work), "--rounds", "1", "--keep"]
    assert train_beats.main(argv) == 0
    out = capsys.readouterr().out
    assert "59 rows; left out: 1 with NaN" in out
    assert "left out: mitbih_train.csv, line 4: NaN or infinite\n" in out
    assert "left out: mitbih_test.csv, line 4: NaN or infinite\n" in out
    assert "24 beats." in out
    manifest = load_bundle(str(work / "cnn-csv-1.pt")).manifest
    assert manifest.metrics["split"] == "as published"
    assert manifest.command.endswith("--csv --keep")
    figures = measure(str(work / "cnn-csv-1.pt"), tmp_path, work)
    assert figures.test.counts.sum() == 24
    assert figures.streamed is None
    without_mitdb = ["--data", str(tmp_path)]
    assert evaluate_beats.main([str(work / "cnn-csv-1.pt"), *without_mitdb]) == 0
    assert "24 beats." in capsys.readouterr().out
