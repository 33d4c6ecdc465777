"""The figures of a report: counts and measures of beats whose truth is known."""

import numpy as np
import pytest
from report_parts import INFO, RATE_HZ, alert, analysis_of, table

from monitor.messages import Gap, GapKind, LeadState, Quality, Rhythm
from monitor.report import wording
from monitor.report.chosen import MAX_STRIPS, chosen
from monitor.report.contents import make_report
from monitor.report.ectopy import ectopy
from monitor.report.figures import figures
from monitor.report.hours import hours
from monitor.report.rates import longest_interval, pauses, rates, running_rate
from monitor.report.spans import unusable
from monitor.report.variability import variability


@pytest.mark.parametrize(
    ("labels", "singles", "couplets", "runs", "bigeminy", "trigeminy"),
    [
        ("NNNNNNNN", 0, 0, [], (0, 0), (0, 0)),
        ("NVNNNVNN", 2, 0, [], (0, 0), (0, 0)),
        ("NVVNVVVNVVVV", 0, 1, [3, 4], (0, 0), (0, 0)),
        ("NVNVNVN", 3, 0, [], (1, 3), (0, 0)),
        ("NVNVNNNVNVNVNVN", 6, 0, [], (1, 4), (0, 0)),
        ("NNVNNVNNVNNV", 4, 0, [], (0, 0), (1, 4)),
        ("NVSVNV", 3, 0, [], (1, 3), (0, 0)),  # the beat between may be of another class
        ("VVFVV", 0, 2, [], (0, 0), (0, 0)),  # a fusion beat is no V
        ("V", 1, 0, [], (0, 0), (0, 0)),
        ("VVV", 0, 0, [3], (0, 0), (0, 0)),
    ],
)
def test_ectopic_beats_are_counted_by_their_company(
    labels, singles, couplets, runs, bigeminy, trigeminy
):
    found = ectopy(table(labels), "V")
    assert found.beats == labels.count("V")
    assert (found.singles, found.couplets) == (singles, couplets)
    assert [run.beats for run in found.runs] == runs
    assert (found.bigeminy_episodes, found.bigeminy_beats) == bigeminy
    assert (found.trigeminy_episodes, found.trigeminy_beats) == trigeminy
    assert found.singles + 2 * found.couplets + found.run_beats == found.beats
    assert found.burden_percent == pytest.approx(100 * found.beats / len(labels))


def test_a_gap_ends_a_run():
    found = ectopy(table("NVVVVN", gaps=[3]), "V")
    assert (found.couplets, len(found.runs)) == (2, 0)


def test_the_rate_of_a_run_is_that_of_its_own_intervals():
    found = ectopy(table("NVVVN", rr_s=[0.8, 0.5, 0.4, 0.4, 1.0]), "V")
    (run,) = found.runs
    assert run.rate_bpm == pytest.approx(150.0)
    assert run.at_s == pytest.approx(1.3)
    assert run.end_s == pytest.approx(2.1)


def test_longest_and_fastest_run_differ():
    rr_s = [0.8, *[0.5] * 4, 0.8, *[0.3] * 3, 0.8]
    found = ectopy(table("NVVVVNVVVN", rr_s=rr_s), "V")
    assert (found.longest.beats, found.fastest.beats) == (4, 3)


def test_no_beats_have_no_figures():
    nothing = table("N")
    nothing = nothing.between(5, 6)
    assert len(nothing) == 0
    assert ectopy(nothing, "V").burden_percent is None
    assert rates(nothing).mean_bpm is None
    assert longest_interval(nothing) is None
    assert variability(nothing) is None


def test_heart_rate_is_over_eight_intervals():
    rr_s = [0.8] * 20 + [0.5] * 8 + [1.0] * 8 + [0.8] * 10
    found = rates(table("N" * len(rr_s), rr_s=rr_s))
    assert found.highest.bpm == pytest.approx(120.0)
    assert found.lowest.bpm == pytest.approx(60.0)
    assert found.highest.at_s == pytest.approx(20 * 0.8 + 8 * 0.5)
    known = rr_s[1:]
    assert found.mean_bpm == pytest.approx(60 * len(known) / sum(known))


def test_heart_rate_does_not_bridge_a_gap():
    _, bpm = running_rate(table("N" * 20, gaps=[10]))
    assert len(bpm) == 2 * 2  # of each stretch of ten beats, eight intervals fit twice
    assert bpm == pytest.approx(75.0)
    rr_s = [0.8] * 10 + [9.0] + [0.8] * 9
    assert pauses(table("N" * 20, rr_s=rr_s, gaps=[10])) == ()


def test_pauses_begin_at_the_beat_before():
    rr_s = [0.8, 0.8, 2.5, 0.8, 2.0, 3.1]
    found = pauses(table("NNNNNN", rr_s=rr_s))
    assert [(round(p.at_s, 6), p.length_s) for p in found] == [(1.6, 2.5), (6.9, 3.1)]
    assert longest_interval(table("NNNNNN", rr_s=rr_s)).length_s == 3.1


def test_n_n_intervals_touch_no_other_beat():
    rr_s = [0.8] * 9
    rr_s[7] = 2.2  # too long
    found = table("NNVNNSNNN", rr_s=rr_s).is_nn
    assert found.tolist() == [False, True, False, False, True, False, False, False, True]


def quality(sample, usable):
    return Quality("made", sample, sample, (LeadState.OK, LeadState.OK), usable)


def test_unusable_time_and_holes_count_once():
    states = [quality(0, True), quality(1000, False), quality(2000, True), quality(9000, False)]
    hole = Gap("made", 1500, 1000, GapKind.HOLE)
    assert unusable(states, [hole], RATE_HZ, 0, 10_000) == ((4.0, 10.0), (36.0, 40.0))
    assert unusable([], [], RATE_HZ, 0, 10_000) == ()


def test_hours_share_the_beats_out():
    found = table("N" * 5000 + "V" * 3 + "N" * 997)  # 80 minutes
    runs = ectopy(found, "V").runs
    rows = hours(found, 4900.0, [(100.0, 200.0)], [(3500.0, 3700.0)], runs, (), ())
    assert [row.beats for row in rows] == [4499, 1501]
    assert [row.analysed_s for row in rows] == [3500.0, 1300.0]
    assert [row.af_s for row in rows] == [100.0, 100.0]
    assert [row.v_beats for row in rows] == [0, 3]
    assert [row.v_runs for row in rows] == [0, 1]


def test_atrial_fibrillation_counts_where_the_signal_was_usable():
    rhythms = [Rhythm("made", s, s, n) for s, n in ((0, "N"), (2500, "AFIB"), (7500, "N"))]
    states = [quality(0, True), quality(5000, False), quality(6250, True)]
    found = figures(table("N" * 50), rhythms, states, [], [alert("af", 10)], RATE_HZ, 0, 10_000)
    assert found.af == ((10.0, 20.0), (25.0, 30.0))
    assert found.af_s == 15.0
    assert found.analysed_s == 35.0
    assert found.af_percent == pytest.approx(100 * 15 / 35)
    assert found.rhythms == {"N": 20.0, "AFIB": 15.0}
    assert found.alerts == {"af": 1}


def test_a_moment_of_atrial_fibrillation_is_no_episode():
    rhythms = [Rhythm("made", s, s, n) for s, n in ((0, "N"), (2500, "AFIB"), (2600, "N"))]
    report = make_report(analysis_of("N" * 60, rhythms))
    rows = dict(wording.rhythm_rows(report.figures))
    assert rows["AF, episodes of 10 s and more"] == "none"
    assert report.figures.af_s == pytest.approx(0.4)
    assert not any("fibrillation" in shown.title for shown in report.shown)
    rhythms[2] = Rhythm("made", 5000, 5000, "N")
    report = make_report(analysis_of("N" * 60, rhythms))
    rows = dict(wording.rhythm_rows(report.figures))
    assert rows["AF, episodes of 10 s and more"] == "1, the longest 0:00:10"
    assert any(s.title == "Longest atrial fibrillation: 10 s" for s in report.shown)


def test_variability_of_intervals_that_take_turns():
    rr_s = [0.78, 0.82] * 400
    found = variability(table("N" * 800, rr_s=rr_s))
    assert found.intervals == 799
    assert found.mean_nn_ms == pytest.approx(800, abs=0.1)
    assert found.sdnn_ms == pytest.approx(20, abs=0.1)
    assert found.rmssd_ms == pytest.approx(40, abs=0.01)
    assert found.pnn50_percent == 0.0
    assert found.windows == 2  # of five minutes; the last 40 s are too few


def test_a_slow_swing_lies_in_its_band():
    times, rr_s = [0.0], []
    for _ in range(900):
        rr_s.append(0.8 + 0.04 * np.sin(2 * np.pi * 0.1 * times[-1]))
        times.append(times[-1] + rr_s[-1])
    found = variability(table("N" * 900, rr_s=rr_s))
    assert found.lf_ms2 > 20 * found.hf_ms2
    assert found.lf_ms2 == pytest.approx(40**2 / 2, rel=0.15)  # the power of a sine of 40 ms


def test_ectopic_beats_do_not_change_the_variability():
    labels = "".join("NNNNNNNNNV"[i % 10] for i in range(1000))
    rr_s = [{8: 0.8, 9: 0.5, 0: 1.1}.get(i % 10, 0.8) for i in range(1000)]
    found = variability(table(labels, rr_s=rr_s))
    assert found.sdnn_ms == pytest.approx(0.0, abs=1e-6)
    assert found.rmssd_ms == pytest.approx(0.0, abs=1e-6)


def test_strips_show_extremes_first_and_then_the_gravest():
    alerts = [alert("couplet", 10 + i, i) for i in range(9)] + [alert("vt", 30, 20, "high")]
    analysis = analysis_of("N" * 20 + "VVV" + "N" * 60, alerts)
    report = make_report(analysis)
    titles = [shown.title for shown in report.shown]
    assert titles[0].startswith("Lowest heart rate")
    assert titles[1].startswith("Highest heart rate")
    assert "Longest and fastest ventricular run: 3 beats, 75 bpm" in titles
    alerts_shown = [t.split()[0] for t in titles if t.split()[0] in ("vt", "couplet")]
    assert alerts_shown == ["vt", "couplet", "couplet", "couplet"]
    assert len(chosen(report.figures, alerts * 99, RATE_HZ, 0)) <= MAX_STRIPS


def test_places_are_counted_from_the_first_sample():
    from dataclasses import replace

    analysis = analysis_of()
    by = 1_000_000
    events = tuple(replace(e, sample=e.sample + by) for e in analysis.events)
    later = replace(analysis, info=replace(INFO, start_sample=by), events=events)
    a, b = make_report(analysis), make_report(later)
    assert np.array_equal(a.figures.table.at_s, b.figures.table.at_s)
    assert a.figures.rates == b.figures.rates
    assert a.shown == b.shown
    assert [g.mean_mv.tolist() for g in a.groups] == [g.mean_mv.tolist() for g in b.groups]
