"""The published beat window: built rows are the published ones, bit for bit."""

import numpy as np
import pytest

from monitor.errors import MonitorError
from tools.data.kachuee import (
    LENGTH,
    TEST_COUNTS,
    Rows,
    build,
    prove,
    record_rows,
    split,
    window_end,
)
from tools.data.kaggle_csv import read_rows

PUBLISHED_COUNTS = [90589, 2779, 7236, 803, 8039]
"""Rows of each class in the published train and test files together."""


@pytest.fixture(scope="module")
def built(data_dir):
    return build(data_dir)


@pytest.mark.slow
def test_the_built_set_has_the_published_number_of_beats_of_each_class(built):
    assert np.bincount(built.label).tolist() == PUBLISHED_COUNTS


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["mitbih_train_first10.csv", "mitbih_test_first10.csv", "mitbih_test_first999.csv"]
)
def test_every_published_row_is_found_bit_for_bit(built, data_dir, name):
    published = read_rows(data_dir / "kaggle" / name)
    proof = prove(built, published.signal[:, :LENGTH], published.label)
    assert proof.missing == []
    assert proof.found == proof.same_label == len(published.label)
    assert proof.ambiguous == 0


@pytest.mark.slow
def test_a_row_that_differs_by_one_bit_is_not_found(built):
    rows = built.signal[:3].copy()
    rows[1, 5] = np.nextafter(rows[1, 5], np.float32(2))
    assert prove(built, rows, built.label[:3]).missing == [2]


def test_window_ends_a_fifth_of_the_second_interval_behind_the_next_annotation():
    marks = np.array([100, 400, 709, 1000])
    assert window_end(marks, 0) == 400 + 61  # a fifth of 309, whole samples
    assert window_end(marks, 2) == 1000 + 58  # the last has no second interval: its own


def test_rows_are_every_third_sample_scaled_and_filled_with_zeros():
    signal = np.arange(3000) % 601
    marks = np.array([10, 310, 610, 910])
    rows = record_rows("made", signal, marks, ["N", "~", "V", "N"])
    assert rows.label.tolist() == [0, 2]
    assert rows.sample.tolist() == [10, 610]
    window = signal[10:370:3]
    low, high = window.min(), window.max()
    np.testing.assert_allclose(rows.signal[0, :120], (window - low) / (high - low), atol=1e-7)
    assert not rows.signal[0, 120:].any()


def test_long_windows_are_scaled_whole_and_then_cut():
    signal = np.zeros(4000, np.int64)
    signal[1500] = 50  # behind the 187 samples kept, but within the window
    signal[0] = 25
    rows = record_rows("made", signal, np.array([0, 1800, 3600]), ["N", "N", "N"])
    assert rows.signal[0, 0] == 0.5


def test_a_flat_window_gives_zeros():
    rows = record_rows("made", np.full(2000, 7), np.array([0, 300, 600]), ["N", "N", "N"])
    assert not rows.signal.any()


def test_split_has_the_published_sizes_and_shares_no_beat():
    label = np.repeat(np.arange(5), [n * 5 for n in TEST_COUNTS])
    train, test = split(label, 1)
    assert np.bincount(label[test]).tolist() == list(TEST_COUNTS)
    assert len(np.intersect1d(train, test)) == 0
    assert len(train) + len(test) == len(label)
    assert not np.array_equal(test, split(label, 2)[1])


def test_split_of_too_few_beats_is_refused():
    with pytest.raises(MonitorError, match="beats N"):
        split(np.zeros(10, np.int64), 1)


def test_no_beats_give_no_rows():
    rows = record_rows("made", np.zeros(100), np.array([5]), ["+"])
    assert isinstance(rows, Rows)
    assert rows.signal.shape == (0, LENGTH)
