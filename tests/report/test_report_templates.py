"""Beats that look alike are one group."""

import numpy as np
from report_parts import RATE_HZ, analysis_of, beats, signal_of

from monitor.report.contents import make_report
from monitor.report.templates import BEFORE_S, groups


def grouped(values, found):
    places = np.array([beat.sample for beat in found])
    return groups(values, RATE_HZ, places, np.array([beat.label.value for beat in found]))


def test_each_class_has_its_group():
    found = beats("NNNNVNNNNVNNNNVNNN")
    result = grouped(signal_of(found, 20), found)
    assert [(g.name, len(g.members)) for g in result] == [("N1", 15), ("V1", 3)]
    assert result[1].members.tolist() == [4, 9, 14]


def test_two_shapes_of_one_class_are_two_groups_by_size():
    found = beats("V" * 30)
    values = signal_of(found, 30)
    for beat in found[::3]:  # every third is upright and narrow
        part = slice(beat.sample - 30, beat.sample + 31)
        values[part, 0] = 0
        values[beat.sample - 5 : beat.sample + 6, 0] = np.hanning(11) * 2
    result = grouped(values, found)
    assert [(g.name, len(g.members)) for g in result] == [("V1", 20), ("V2", 10)]
    assert result[1].members.tolist() == [*range(0, 30, 3)]


def test_the_template_is_the_mean_beat_in_millivolts():
    found = beats("N" * 10)
    (group,) = grouped(signal_of(found, 10), found)
    peak = round(BEFORE_S * RATE_HZ)
    assert group.mean_mv[:, 0].argmax() == peak
    assert np.allclose(group.mean_mv[peak], [1.0, 0.5], atol=1e-3)


def test_a_shift_of_the_r_peak_makes_no_new_group():
    found = beats("N" * 20)
    values = signal_of(found, 20)
    moved = [b if i % 2 else type(b)(b.stream, b.sample + 3, *[getattr(b, n) for n in (
        "decided_sample", "label", "probabilities", "rr_s", "lead", "classifier")])
        for i, b in enumerate(found)]  # fmt: skip
    assert len(grouped(values, moved)) == 1


def test_odd_beats_are_the_rest():
    found = beats("N" * 200)
    values = signal_of(found, 165)
    rng = np.random.default_rng(3)
    for beat in found[50:190:10]:
        part = slice(beat.sample - 25, beat.sample + 36)
        values[part, 0] = rng.normal(0, 1, 61)
    result = grouped(values, found)
    assert result[0].name == "N1"
    assert len(result[0].members) == 186
    assert sum(len(g.members) for g in result) == 200
    assert result[-1].name == "N other"


def test_beats_at_the_edges_and_in_holes_do_no_harm():
    found = beats("NNNNNN", first_s=0.05)
    values = signal_of(found, 4.1)
    values[300:500] = np.nan
    result = grouped(values, found)
    assert sum(len(g.members) for g in result) == 6
    assert all(np.isfinite(g.mean_mv).all() for g in result if g.number == 1)


def test_more_beats_than_a_batch():
    found = beats("N" * 5000, rr_s=0.4)
    result = grouped(signal_of(found, 2005), found)
    assert [len(g.members) for g in result] == [5000]


def test_each_beat_is_in_one_group():
    report = make_report(analysis_of("NNNNVNNSNNVNFNNNQN" * 5))
    members = np.concatenate([g.members for g in report.groups])
    assert sorted(members.tolist()) == [*range(90)]
    for group in report.groups:
        labels = {report.analysis.beats[i].label.value for i in group.members}
        assert labels == {group.label}
