"""Every rhythm and fault is what its name promises, judged on signal and truth."""

from itertools import pairwise

import numpy as np
import pytest

from monitor.sources.simulator import SCENARIOS, Scenario, Simulator, simulate

RATE = 360.0


def play(name, seed=0):
    values, truth = simulate(Simulator(name, seed=seed))
    return values, truth, np.array([b.sample for b in truth.beats]) / RATE


def span(at_s, begin, end):
    return at_s[(at_s >= begin) & (at_s < end)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "begin", "end", "bpm"),
    [
        ("sinus", 0, 60, 72),
        ("vt", 21, 39, 170),
        ("vt_195", 31, 50, 195),
        ("vt_206", 31, 50, 206),
        ("svt", 21, 39, 180),
        ("brady", 22, 60, 38),
        ("tachy", 21, 60, 135),
        ("paced", 0, 60, 70),
        ("aivr", 21, 44, 80),
        ("hr_80_120", 0, 60, 80),
        ("hr_80_120", 61, 100, 120),
        ("hr_80_40", 0, 60, 80),
        ("hr_80_40", 62, 100, 40),
        ("ec13_bigeminy", 0, 60, 80),
        ("ec13_slow", 0, 60, 60),
        ("ec13_rapid", 0, 60, 120),
        ("ec13_bidirectional", 0, 60, 90),
    ],
)
def test_rate(name, begin, end, bpm):
    _, _, at_s = play(name)
    rr_s = np.diff(span(at_s, begin, end))
    rr_s = rr_s[: len(rr_s) // 8 * 8]  # whole cycles of the scripted patterns
    # about 20 intervals with slow variations of 1.4 %: their mean is good to some 2.5 %
    assert 60.0 / rr_s.mean() == pytest.approx(bpm, rel=0.025 if bpm > 38 else 0.03)


@pytest.mark.parametrize(
    ("name", "pattern"), [("bigeminy", "NV"), ("trigeminy", "NNV"), ("ec13_slow", "NV")]
)
def test_pattern(name, pattern):
    _, truth, _ = play(name)
    symbols = "".join(b.symbol for b in truth.beats)
    assert symbols[: 30 * len(pattern)].startswith(pattern * 20)


@pytest.mark.parametrize(
    ("name", "counts"), [("pvc", [1] * 7), ("couplet", [2] * 4), ("run", [3, 4, 8])]
)
def test_runs(name, counts):
    _, truth, _ = play(name)
    runs = "".join(b.symbol for b in truth.beats).split("N")
    assert [len(run) for run in runs if run] == counts


def test_a_pvc_is_early_wide_and_followed_by_a_compensatory_pause():
    values, truth, at_s = play("pvc")
    for i, beat in enumerate(truth.beats):
        if beat.symbol != "V":
            continue
        before, after = at_s[i] - at_s[i - 1], at_s[i + 1] - at_s[i]
        basic = at_s[i - 1] - at_s[i - 2]
        assert before < 0.75 * basic
        assert before + after == pytest.approx(2 * basic, rel=0.08)
        assert _width_s(values[:, 0], beat.sample) > 1.8 * _width_s(
            values[:, 0], truth.beats[i - 1].sample
        )


def _width_s(lead, sample):
    """Width of the main deflection at half its height."""
    side = int(0.1 * RATE)
    part = np.abs(lead[sample - side : sample + side])
    return np.count_nonzero(part > 0.5 * part[side]) / RATE


def test_a_pac_is_early_narrow_and_its_pause_does_not_compensate():
    _, truth, at_s = play("pac")
    early = [i for i, b in enumerate(truth.beats) if b.symbol == "A"]
    assert len(early) == 8
    for i in early:
        basic = at_s[i - 1] - at_s[i - 2]
        assert at_s[i] - at_s[i - 1] < 0.8 * basic
        assert at_s[i + 1] - at_s[i - 1] < 1.9 * basic


def test_multiform_pvcs_differ_from_each_other():
    values, truth, _ = play("multiform")
    side = int(0.12 * RATE)
    shapes = {
        b.form: values[b.sample - side : b.sample + side].ravel()
        for b in truth.beats
        if b.symbol == "V"
    }
    assert set(shapes) == {0, 1, 2, 3}
    correlation = np.corrcoef([shapes[form] for form in range(4)])
    assert np.all(correlation[~np.eye(4, dtype=bool)] < 0.8)


def test_the_t_wave_of_a_pvc_is_discordant():
    values, truth, _ = play("pvc")
    for beat in truth.beats:
        if beat.symbol == "V":
            t = values[beat.sample + int(0.2 * RATE) : beat.sample + int(0.4 * RATE), 0]
            extreme = t[np.argmax(np.abs(t))]
            assert np.sign(extreme) == -np.sign(values[beat.sample, 0])


def test_af_is_irregular_and_has_no_p_wave():
    values, _, at_s = play("af")
    rr_s = np.diff(span(at_s, 22, 79))
    assert rr_s.std() / rr_s.mean() > 0.15
    assert abs(np.corrcoef(rr_s[:-1], rr_s[1:])[0, 1]) < 0.35

    def before(begin, end):
        low, high = int(0.26 * RATE), int(0.06 * RATE)
        # after long intervals only, where the T wave before is over
        long = at_s[1:][np.diff(at_s) > 0.6]
        beats = np.rint(span(long, begin, end) * RATE).astype(int)
        mean = np.mean([values[s - low : s - high, 0] for s in beats], axis=0)
        x = np.arange(len(mean))
        return mean - np.polyval(np.polyfit(x, mean, 1), x)

    assert np.ptp(before(2, 19)) > 0.09  # sinus: P stands in the average
    assert np.ptp(before(24, 78)) < 0.06  # AF: f waves average out


@pytest.mark.parametrize("seed", range(3))
def test_vf_has_no_beats_and_lies_in_its_band(seed):
    values, truth, at_s = play("vf", seed)
    assert not len(span(at_s, 20, 40))
    assert [(e.kind, e.sample, e.end_sample) for e in truth.episodes] == [("vf", 7200, 14400)]
    lead = values[7200:14400, 0]
    power = np.abs(np.fft.rfft(lead * np.hanning(len(lead)))) ** 2
    hz = np.fft.rfftfreq(len(lead), 1 / RATE)
    assert 3.0 <= hz[np.argmax(power)] <= 7.0
    main = power[(hz > 2) & (hz < 9)].sum() / power[hz > 0.5].sum()
    assert main > 0.8
    assert power.max() < 0.3 * power.sum()  # no sine
    early, late = lead[360:2160].std(), lead[-2160:-360].std()
    assert 0.2 < early < 0.8
    assert late < 0.8 * early


def test_asystole_is_flat_and_the_truth_says_so():
    values, truth, at_s = play("asystole")
    assert np.diff(at_s).max() > 11.5
    assert np.ptp(values[int(21.2 * RATE) : int(31.5 * RATE)], axis=0).max() < 0.15
    assert [r.name for r in truth.rhythms] == ["N", "ASYS", "N"]


def test_pauses_have_their_length():
    _, truth, at_s = play("pause")
    rr_s = np.diff(at_s)
    assert sorted(rr_s)[-3:] == pytest.approx([2.2, 2.6, 3.5], abs=0.02)
    assert [b.symbol for b in truth.beats].count("E") == 1


def test_lead_off_is_a_rail_and_then_hum():
    values, _, _ = play("lead_off")
    off = values[int(15 * RATE) : int(23 * RATE)]
    assert np.all(off == off[0, 0])
    hum = values[int(35 * RATE) : int(45 * RATE)]
    power = np.abs(np.fft.rfft(hum[:, 0])) ** 2
    assert np.fft.rfftfreq(len(hum), 1 / RATE)[np.argmax(power)] == pytest.approx(50, abs=0.2)
    assert np.ptp(hum[:, 1]) < 2.5


def test_an_inverted_lead_is_the_negative():
    inverted, _, _ = play("inverted")
    upright, _ = simulate(Simulator(Scenario("s", "", SCENARIOS["inverted"].segments)))
    assert np.array_equal(inverted[7200:, 0], -upright[7200:, 0])
    assert np.array_equal(inverted[:7200], upright[:7200])
    assert np.array_equal(inverted[:, 1], upright[:, 1])


def test_gap_and_nan():
    values, truth, at_s = play("gap")
    missing = np.isnan(values[:, 0])
    expected = [slice(5400, 5940), slice(12600, 16200)]
    assert np.count_nonzero(missing) == 540 + 3600
    assert all(missing[part].all() for part in expected)
    assert not len(span(at_s, 35, 45))
    assert [(e.sample, e.end_sample) for e in truth.episodes] == [(5400, 5940), (12600, 16200)]
    chunks = list(Simulator("nan").chunks())
    assert all(a.end_sample == b.start_sample for a, b in pairwise(chunks))
    assert sum(np.isnan(c.values_mv[:, 0]).sum() for c in chunks) == 180 + 1800


def test_saturation_stays_on_the_rail_and_the_spike_is_short():
    values, _, _ = play("saturation")
    assert np.mean(values[int(15.5 * RATE) : int(21 * RATE), 0] == 5.0) > 0.95
    assert np.count_nonzero(values[int(39 * RATE) : int(42 * RATE), 0] > 8.0) in (1, 2)


def test_pacing_spikes_are_narrow_and_before_the_qrs():
    values, truth, _ = play("paced")
    assert {b.symbol for b in truth.beats} == {"/"}
    for beat in truth.beats[:20]:
        spike = values[beat.sample - int(0.15 * RATE) : beat.sample - int(0.05 * RATE), 0]
        assert spike.max() > 1.0
        assert np.count_nonzero(spike > 0.5) <= 4


def test_the_tour_shows_what_it_promises_in_order():
    _, truth, _ = play("tour")
    names = ["N", "B", "N", "VT", "N", "AFIB", "N", "SBR", "N", "VF", "ASYS", "N"]
    assert [r.name for r in truth.rhythms] == names
    assert {e.kind for e in truth.episodes} == {"lead_off", "motion", "muscle", "vf"}
    assert {"N", "V", "A"} <= {b.symbol for b in truth.beats}
