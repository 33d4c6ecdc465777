"""The card of the patient-wise model: figures by hand, sections that stay."""

import numpy as np
import pytest

from monitor.models.manifest import Manifest
from monitor.score import Annotations, Conditions, compare
from tools.confusion import Confusion, calibration_error, draw
from tools.evaluate.label_card import Measured, card, replace_speed, speed_row
from tools.evaluate.label_sections import kept_seeds, replace_seeds, seeds_part
from tools.evaluate.label_table import Table

MANIFEST = Manifest(name="made", before_s=0.7, seed=1, command="train", data_sha256="ab" * 32)


def table(found: str, name: str = "as recorded", own: bool = False) -> Table:
    truth = "NNNNNNSVVF"
    samples = list(range(110_000, 110_000 + 360 * len(truth), 360))
    scores = [
        [
            compare(
                Annotations.from_arrays(samples, truth),
                Annotations.from_arrays(samples, found),
                360.0,
                record=record,
                conditions=Conditions(classes=classes),
            )
            for record in ("100", "232")
        ]
        for classes in ("ec57", "ml")
    ]
    return Table(name, own, scores[0], scores[1], 0.1234, 0.96 if own else None)


def test_figures_of_the_card_are_those_of_the_beats():
    tables = [table("NNNNNSSVNF"), table("NNNNNNSVVF", own=True)]
    text = card(MANIFEST, Measured("ds2", tables, 1000.0, 9000.0, 2048, 77))
    # V 1 of 2, none false; S 1 of 1, 1 false; F 1 of 1
    assert "| as recorded | reference | 50.0/100.0 | 100.0/50.0 |" in text
    assert "| as recorded | own detector | 100.0/100.0 |" in text
    assert "| calibration error (10 bins, reference beats) | 0.123 |" in text
    assert "| from the R peak to the label, median | 0.96 s |" in text
    # V V F is one run of three
    assert "| DS2 | -/- | 100.0/100.0 | -/- |" in text


def test_seeds_have_a_median_and_a_range_and_outlive_a_new_card():
    seeds = [(1, table("NNNNNNSVVF")), (2, table("NNNNNNSVNF")), (3, table("NNNNNNSNNF"))]
    part = seeds_part(MANIFEST, seeds)
    assert "| 1 (shipped) | 100.0 | 100.0 |" in part
    assert "| median | 50.0 | 100.0 |" in part
    assert "| lowest | 0.0 | 0.0 |" in part
    assert seeds_part(MANIFEST, seeds[:1]) == ""
    text = card(MANIFEST, Measured("ds2", [seeds[0][1]], 1.0, 1.0, 1, 1), part)
    assert kept_seeds(text) == part
    assert kept_seeds("# other\n") == ""
    bare = card(MANIFEST, Measured("ds2", [seeds[0][1]], 1.0, 1.0, 1, 1))
    assert replace_seeds(bare, part) == text
    fewer = seeds_part(MANIFEST, seeds[:2])
    assert kept_seeds(replace_seeds(text, fewer)) == fewer


def test_ec57_figures_leave_fusion_and_unknown_out_of_the_false():
    counts = np.zeros((5, 5), np.int64)
    counts[0] = [90, 5, 5, 0, 0]
    counts[2] = [2, 0, 8, 0, 0]
    counts[3] = [0, 0, 4, 6, 0]
    found = Confusion(counts, tuple("NSVFQ")).ec57()
    assert found is not None
    assert found.v_se == pytest.approx(80.0)
    assert found.v_pp == pytest.approx(100 * 8 / 13)
    assert Confusion(counts[:2, :2], ("a", "b")).ec57() is None


def test_calibration_error_by_hand():
    top = np.array([0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False])
    assert calibration_error(top, right) == pytest.approx(0.5 * 0.05 + 0.5 * 0.05)


def test_picture_holds_the_counts_and_is_the_same_each_time(tmp_path):
    found = Confusion(np.array([[1234, 5], [6, 7]]), ("N", "V"))
    for name in ("a.svg", "b.svg"):
        draw(found, "title", tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert "1,234" in text
    assert "title" in text
    assert text == (tmp_path / "b.svg").read_text()


def test_the_row_on_speed_is_replaced_alone():
    text = card(MANIFEST, Measured("ds2", [table("NNNNNNSVVF")], 1000.0, 9000.0, 2048, 77))
    other = replace_speed(text, speed_row(1234.0, 5678.0))
    assert "1,234 one at a time, 5,678 in batches" in other
    assert replace_speed(other, speed_row(1000.0, 9000.0)) == text
