"""The sets of beats: how they are joined, split, standardised and described."""

import shutil

import numpy as np
import pytest

from monitor.errors import MonitorError
from tools.data.beat_sets import SETS, five_classes, infarction, normal_abnormal, standardise
from tools.data.kachuee import TEST_COUNTS
from tools.data.kaggle_csv import SAMPLES


@pytest.fixture(scope="module")
def work(data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("beats")
    five_classes(data_dir, folder)  # builds the rows; the other tests find them
    return folder


@pytest.mark.slow
def test_five_classes_have_the_published_sizes(data_dir, work):
    beats = five_classes(data_dir, work)
    assert (len(beats.train), len(beats.test)) == (87554, 21892)
    assert np.bincount(beats.label[beats.test]).tolist() == list(TEST_COUNTS)
    assert "by beat" in beats.split
    assert len(np.intersect1d(beats.train, beats.test)) == 0
    assert beats.sha256() == five_classes(data_dir, work).sha256()


@pytest.mark.slow
def test_two_classes_without_ptb_say_so(data_dir, work):
    beats = normal_abnormal(data_dir, work)
    assert "no PTB beats were at hand" in beats.data
    assert np.bincount(beats.label).tolist() == [90589, 18857]
    assert len(beats.test) == 21892


@pytest.mark.slow
def test_two_classes_join_the_csv_files_and_count_nan(data_dir, work, tmp_path):
    (tmp_path / "mitdb").symlink_to(data_dir / "mitdb")
    (tmp_path / "kaggle").mkdir()
    good = ",".join(["0.5"] * SAMPLES)
    bad = ",".join(["nan"] * SAMPLES)
    (tmp_path / "kaggle" / "ptbdb_normal.csv").write_text(f"{good},0.0\n" * 10 + f"{bad},0.0\n")
    (tmp_path / "kaggle" / "ptbdb_abnormal.csv").write_text(f"{good},1.0\n" * 20 + f"{good},0.0\n")
    beats = normal_abnormal(tmp_path, work)
    assert np.bincount(beats.label).tolist() == [90599, 18877]
    assert "10 rows; left out: 1 with NaN" in beats.data
    assert "20 rows; left out: 0 with NaN, 1 malformed" in beats.data
    assert beats.left_out == (
        "ptbdb_normal.csv, line 11: NaN or infinite",
        "ptbdb_abnormal.csv, line 21: label 0 is not 1",
    )
    new = np.arange(109446, len(beats.label))
    assert np.isin(new, beats.test).sum() == 6  # a fifth of each class
    assert np.isin(new, beats.train).sum() == 24


def test_standardised_beats_have_mean_0_deviation_1_and_keep_their_padding():
    rows = np.zeros((2, SAMPLES), np.float32)
    rows[0, :100] = np.random.default_rng(1).uniform(0.01, 1, 100)
    result = standardise(rows)
    assert result[0, :100].mean() == pytest.approx(0, abs=1e-5)
    assert result[0, :100].std() == pytest.approx(1, abs=1e-4)
    assert not result[0, 100:].any()
    assert not result[1].any()  # an empty row is no division by zero


def test_infarctions_need_the_database(tmp_path):
    with pytest.raises(MonitorError, match="--download"):
        infarction(tmp_path, tmp_path)


def test_a_damaged_record_is_one_clear_error(data_dir, tmp_path):
    (tmp_path / "mitdb").mkdir()
    for ending in ("hea", "dat"):
        shutil.copy(data_dir / "mitdb" / f"100.{ending}", tmp_path / "mitdb")
    with pytest.raises(MonitorError, match="cannot read record"):
        five_classes(tmp_path, tmp_path)


def test_every_model_has_a_set():
    from tools.train.beats import RECIPES

    assert set(SETS) == set(RECIPES)
