"""Figures of confusion matrices, against values worked out by hand."""

import numpy as np
import pytest

from tools.confusion import Confusion


@pytest.fixture
def made():
    # truth: six a, three b, one c; found as below
    truth = np.array([0] * 6 + [1] * 3 + [2])
    found = np.array([0, 0, 0, 0, 0, 1, 1, 1, 0, 0])
    return Confusion.of(truth, found, ("a", "b", "c"))


def test_counts(made):
    assert made.counts.tolist() == [[5, 1, 0], [1, 2, 0], [1, 0, 0]]


def test_figures(made):
    assert made.accuracy == 0.7
    np.testing.assert_allclose(made.precision, [5 / 7, 2 / 3, 0])
    np.testing.assert_allclose(made.recall, [5 / 6, 2 / 3, 0])
    np.testing.assert_allclose(made.f1, [10 / 13, 2 / 3, 0])
    assert made.macro_f1 == pytest.approx((10 / 13 + 2 / 3) / 3)
    assert made.weighted_f1 == pytest.approx((6 * 10 / 13 + 3 * 2 / 3) / 10)


def test_table_names_every_class_and_its_figures(made):
    lines = made.table()
    assert lines[3] == "| b | 1 | 2 | 0 | 0.667 | 0.667 | 0.667 |"
    assert lines[-1].startswith("Accuracy 0.7000, macro F1 0.479")
    assert lines[-1].endswith("10 beats.")


def test_nothing_counted_is_no_error():
    empty = Confusion.of(np.zeros(0, int), np.zeros(0, int), ("a", "b"))
    assert empty.accuracy == empty.macro_f1 == empty.weighted_f1 == 0.0
