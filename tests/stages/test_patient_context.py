"""Patient context: what is learnt of rhythm and shape, checked on beats whose truth is known."""

import dataclasses

import numpy as np
import pytest

from monitor.messages import RPeak
from monitor.models.manifest import Manifest
from monitor.stages.context import FEATURES, PatientContext
from monitor.stages.segment import BeatWindow

MANIFEST = Manifest(name="test", before_s=0.704, channels=("beat", "template"), features=FEATURES)
T = (np.arange(188) - 88) / 125.0


def beat(rr_s, width_s=0.012, gain=1.0, lead=0, valid=True):
    values = gain * np.exp(-0.5 * (T / width_s) ** 2)
    return BeatWindow(RPeak("t", 0, 0, lead), values.astype(np.float32), rr_s, None, valid)


def feature(vector, name):
    return float(vector[FEATURES.index(name)])


def learnt(count=100, rr_s=0.8):
    context = PatientContext(MANIFEST)
    for _ in range(count):
        context.push(beat(rr_s))
    return context


def test_intervals_are_measured_against_the_patients_own():
    _, found = learnt().push(beat(0.4))
    for name in ("rr_long", "rr_q90", "rr_med8", "rr_med64", "rr_prev"):
        assert feature(found, name) == pytest.approx(np.log(0.5), abs=1e-6)
    assert feature(found, "rr") == pytest.approx(np.log(0.4))
    assert feature(found, "mean_rr") == pytest.approx(np.log(0.8))
    assert feature(found, "change64") == 0.0


def test_slow_beats_stay_the_reference_when_early_ones_outnumber_them():
    context = PatientContext(MANIFEST)
    for k in range(400):
        context.push(beat(1.9 if k % 5 == 0 else 0.7))
    _, found = context.push(beat(0.7))
    assert feature(found, "rr_q90") == pytest.approx(np.log(0.7 / 1.9), abs=1e-6)
    assert abs(feature(found, "rr_med8")) < 1e-6


def test_irregular_rhythm_is_told_from_single_early_beats():
    rng = np.random.default_rng(0)
    irregular, early = PatientContext(MANIFEST), PatientContext(MANIFEST)
    for k in range(100):
        irregular.push(beat(float(np.exp(rng.normal(-0.3, 0.25)))))
        early.push(beat(0.5 if k % 8 == 0 else 0.8))
    _, a = irregular.push(beat(0.6))
    _, b = early.push(beat(0.6))
    assert feature(a, "change64") > 0.15
    assert feature(b, "change64") < 0.05


def test_wide_beats_form_their_own_group_and_do_not_spoil_the_template():
    context = learnt()
    plain = beat(0.8).values_mv
    for _ in range(20):
        context.push(beat(0.5, width_s=0.05, gain=-1.5))
        context.push(beat(1.1))
    signal, found = context.push(beat(0.5, width_s=0.05, gain=-1.5))
    np.testing.assert_allclose(signal[1], plain / np.ptp(plain), atol=0.02)
    assert feature(found, "qrs_corr") < 0.5
    assert feature(found, "width_ratio") > 0.3
    assert feature(found, "group_dominant") == 0.0
    assert 0.02 < feature(found, "group_share") < 0.3
    assert feature(found, "group_rr") < -0.2
    _, usual = context.push(beat(1.1))
    assert feature(usual, "group_dominant") == 1.0
    assert feature(usual, "qrs_corr") > 0.99


def test_a_rare_kind_of_beat_seen_long_ago_gives_way_to_how_it_looks_now():
    context = learnt()
    for _ in range(40):
        context.push(beat(0.5, width_s=0.05, gain=-1.5))
    for _ in range(1500):
        context.push(beat(0.8))
    _, first = context.push(beat(0.5, width_s=0.05, gain=-0.9))
    context.push(beat(1.1))
    _, second = context.push(beat(0.5, width_s=0.05, gain=-0.9))
    assert 0.7 < feature(first, "group_corr") < 0.9
    assert feature(second, "group_corr") > 0.95


def test_r_peak_off_by_a_sample_changes_no_likeness():
    moved = beat(0.8)
    shifted = BeatWindow(moved.rpeak, np.roll(moved.values_mv, 2), 0.8, None, True)
    _, found = learnt().push(shifted)
    assert feature(found, "qrs_corr") > 0.99
    assert feature(found, "group_dominant") == 1.0


def test_each_lead_has_its_own_template():
    context = learnt()
    signal, found = context.push(beat(0.8, width_s=0.03, gain=-2.0, lead=1))
    assert feature(found, "qrs_corr") == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(signal[0], signal[1], atol=1e-6)


def test_unknown_interval_and_strange_values_give_finite_features():
    context = PatientContext(MANIFEST)
    windows = [beat(None), beat(0.01), beat(30.0), beat(0.8, gain=0.0), beat(0.8, gain=1e6)]
    windows += [beat(None, valid=False), beat(0.8)]
    for window in windows:
        signal, found = context.push(window)
        assert np.isfinite(signal).all()
        assert np.isfinite(found).all()
    assert feature(found, "rr_known") == 1.0


def test_intervals_behind_an_ectopic_beat_do_not_count_as_usual():
    context = learnt()
    for _ in range(60):  # bigeminy: early wide beats, and pauses behind them
        context.push(beat(0.5, width_s=0.05, gain=-1.5))
        context.push(beat(1.1))
    context.push(beat(0.8))
    _, found = context.push(beat(0.8))
    assert feature(found, "rr_q90") < -0.3
    assert feature(found, "rr_usual_q90") == pytest.approx(0.0, abs=1e-6)
    assert feature(found, "rr_usual_med32") == pytest.approx(0.0, abs=1e-6)


def test_a_beat_between_two_usual_ones_is_interpolated_or_followed_by_a_pause():
    for behind_s, expected in ((0.4, 0.0), (1.2, np.log(2.0)), (0.2, np.log(0.75))):
        context = learnt()
        _, wide = context.push(beat(0.4, width_s=0.05, gain=-1.5))
        _, behind = context.push(beat(behind_s))
        assert feature(wide, "since_usual") == pytest.approx(np.log(0.5), abs=1e-6)
        assert feature(behind, "since_usual") == pytest.approx(expected, abs=1e-6)
        _, next_ = context.push(beat(0.8))
        assert feature(next_, "since_usual") == pytest.approx(0.0, abs=1e-6)


def test_the_time_since_the_last_usual_beat_is_not_known_behind_a_hole():
    context = learnt()
    _, after = context.push(beat(None, width_s=0.05, gain=-1.5))
    assert feature(after, "since_usual") == 0.0
    _, behind = context.push(beat(0.4))
    assert feature(behind, "since_usual") == 0.0


def test_lost_p_waves_and_noise_are_remembered():
    rng = np.random.default_rng(0)
    p_wave = 0.15 * np.exp(-0.5 * ((T + 0.16) / 0.02) ** 2)

    def push(context, p_gain, noise_mv):
        window = beat(0.8)
        values = window.values_mv + p_gain * p_wave + noise_mv * rng.normal(size=188)
        return context.push(BeatWindow(window.rpeak, values.astype(np.float32), 0.8, None, True))[1]

    steady, noisy = PatientContext(MANIFEST), PatientContext(MANIFEST)
    for _ in range(60):
        with_p = push(steady, 1.0, 0.002)
        without = push(noisy, 0.0, 0.08)
    assert feature(with_p, "p_corr16") > 0.95
    assert feature(without, "p_corr16") < 0.6
    assert feature(without, "p_diff16") > 4 * feature(with_p, "p_diff16")
    assert feature(without, "corr16") < feature(with_p, "corr16")


def test_a_p_wave_that_moved_is_told_from_another_one():
    def with_p(at_s, width_s=0.025):
        found = beat(0.8)
        found.values_mv[:] += 0.15 * np.exp(-0.5 * ((T - at_s) / width_s) ** 2)
        return found

    context = PatientContext(MANIFEST)
    for _ in range(60):
        context.push(with_p(-0.17))
    _, moved = context.push(with_p(-0.145))
    _, other = context.push(with_p(-0.17, width_s=0.007))
    assert feature(moved, "p_corr") < 0.8
    assert feature(moved, "p_best") > 0.95
    assert feature(moved, "p_best_diff") < 0.3 * feature(moved, "p_diff")
    assert feature(other, "p_best") < 0.8


def test_second_lead_has_rows_and_features_of_its_own_or_zeros():
    two = dataclasses.replace(MANIFEST, leads=2)
    context, single = PatientContext(two), PatientContext(MANIFEST)
    wide = beat(0.8, width_s=0.03, gain=-2.0).values_mv
    for _ in range(30):
        window = dataclasses.replace(beat(0.8), second_lead=1, second_mv=wide)
        signal, features = context.push(window)
        alone, of_alone = single.push(beat(0.8))
    assert signal.shape == (4, 188)
    np.testing.assert_array_equal(signal[:2], alone)
    np.testing.assert_array_equal(features[: len(FEATURES)], of_alone)
    np.testing.assert_allclose(signal[2], wide / wide.min(), atol=1e-3)  # upright, size 1
    assert feature(features[len(FEATURES) :], "width") > feature(features, "width") + 0.3
    signal, features = context.push(beat(0.8))
    assert not signal[2:].any()
    assert not features[len(FEATURES) :].any()
