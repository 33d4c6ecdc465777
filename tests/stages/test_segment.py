"""Segmenter: every beat once, in order, the same window whatever the delivery and the rate."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.messages import LeadState, RPeak, Samples, StreamInfo
from monitor.models.manifest import Manifest
from monitor.stages.segment import BeatWindow, Segmenter

MANIFEST = Manifest(name="test", before_s=0.704)


def run(
    signal: np.ndarray,
    peaks: list[int],
    rate_hz: float = 360.0,
    hop: int = 90,
    skip: tuple[int, int] | None = None,
    late: int = 0,
    manifest: Manifest = MANIFEST,
) -> list[tuple[BeatWindow, int]]:
    """Stream a signal; windows with the end of the hop in which each came out.

    ``skip``: hops that never arrive. ``late``: samples by which R peaks are decided late.
    """
    info = StreamInfo("t", rate_hz, ("II",))
    segmenter = Segmenter(info, manifest)
    out = []
    at = 0
    for start in range(0, len(signal), hop):
        if skip and skip[0] <= start < skip[1]:
            continue
        block = Samples("t", start, signal[start : start + hop, None].astype(np.float32))
        due = []
        while at < len(peaks) and peaks[at] + late < block.end_sample:
            due.append(RPeak("t", peaks[at], block.end_sample - 1))
            at += 1
        out += [(w, block.end_sample) for w in segmenter.push(block, due)]
    rest = [RPeak("t", p, len(signal) - 1) for p in peaks[at:]]
    return out + [(w, len(signal)) for w in segmenter.flush(rest)]


@settings(deadline=None, max_examples=40)
@given(
    gaps=st.lists(st.integers(70, 900), min_size=1, max_size=25),
    hop=st.integers(20, 400),
    late=st.integers(0, 300),
    wait=st.sampled_from([0.0, 1.2]),
)
def test_every_beat_once_in_order_with_the_same_window_for_any_hop(gaps, hop, late, wait):
    peaks = [int(p) for p in np.cumsum(gaps)]
    signal = np.random.default_rng(0).normal(size=peaks[-1] + 400)
    manifest = Manifest(name="test", before_s=0.704, following_rr=wait)
    found = run(signal, peaks, hop=hop, late=late, manifest=manifest)
    assert [w.rpeak.sample for w, _ in found] == peaks
    whole = run(signal, peaks, hop=360)
    for (a, _), (b, _) in zip(found, whole, strict=True):
        np.testing.assert_array_equal(a.values_mv, b.values_mv)
        assert a.rr_s == b.rr_s
        assert a.valid == b.valid
    rr = [None] + [g / 360.0 for g in gaps[1:]]
    assert [w.rr_s for w, _ in found] == pytest.approx(rr) if len(rr) > 1 else True


@pytest.mark.parametrize("rate_hz", [100.0, 125.0, 128.0, 250.0, 333.3, 360.0, 500.0, 1000.0])
def test_window_is_the_band_limited_signal_at_any_rate(rate_hz):
    frequency_hz, second = 8.0, 5.0
    t = np.arange(int(10 * rate_hz)) / rate_hz
    peak = round(second * rate_hz)
    window = run(np.sin(2 * np.pi * frequency_hz * t), [peak], rate_hz, hop=25)[0][0]
    at = peak / rate_hz + (np.arange(188) - 88) / 125.0
    truth = np.sin(2 * np.pi * frequency_hz * at)
    assert window.values_mv.dtype == np.float32
    np.testing.assert_allclose(window.values_mv, truth - np.median(truth), atol=0.02)


@pytest.mark.parametrize("frequency_hz", [80.0, 110.0, 125.0, 180.0])
def test_what_the_window_rate_cannot_carry_is_removed(frequency_hz):
    t = np.arange(10000) / 1000.0
    window = run(np.sin(2 * np.pi * frequency_hz * t), [5003], 1000.0, hop=250)[0][0]
    assert np.abs(window.values_mv).max() < 0.03


def test_label_can_be_given_within_a_second_at_72_bpm():
    rng = np.random.default_rng(3)
    peaks = np.cumsum(rng.integers(295, 305, 100)).tolist()
    found = run(np.zeros(peaks[-1] + 720), peaks, late=100)
    latency_s = [(end - 1 - w.rpeak.sample) / 360.0 for w, end in found]
    assert np.median(latency_s) <= 1.0
    assert max(latency_s) <= 1.1


def test_interval_over_a_hole_is_not_known_and_the_next_is():
    peaks = [400, 700, 3000, 3300, 3600]
    found = [w for w, _ in run(np.ones(5000), peaks, skip=(900, 2700))]
    assert [w.rr_s is None for w in found] == [True, False, True, False, False]


def test_beat_before_the_hole_that_is_decided_after_it_keeps_its_interval():
    info = StreamInfo("t", 360.0, ("II",))
    segmenter = Segmenter(info, MANIFEST)
    ones = np.ones((900, 1), np.float32)
    segmenter.push(Samples("t", 0, ones), [RPeak("t", 500, 899)])
    after = [RPeak("t", 800, 1889), RPeak("t", 1500, 1889)]
    found = segmenter.push(Samples("t", 990, ones), after) + segmenter.flush()
    assert [w.rr_s for w in found if w.rpeak.sample >= 800] == [300 / 360.0, None]


def test_short_holes_are_bridged_and_long_ones_refused():
    t = np.arange(3600) / 360.0
    clean = np.sin(2 * np.pi * 1.0 * t)
    holed = clean.copy()
    holed[1760:1780] = np.nan
    a, b = run(clean, [1800])[0][0], run(holed, [1800])[0][0]
    assert b.valid
    np.testing.assert_allclose(a.values_mv, b.values_mv, atol=0.05)
    holed[1740:1860] = np.nan
    lost = run(holed, [1800])[0][0]
    assert not lost.valid
    assert np.isfinite(lost.values_mv).all()
    holed[:] = np.nan
    assert not run(holed, [1800])[0][0].valid


def test_first_and_last_beat_have_windows():
    found = [w for w, _ in run(np.ones(3600), [150, 3450])]
    assert [w.valid for w in found] == [True, True]
    assert all(np.isfinite(w.values_mv).all() for w in found)


@pytest.mark.slow
def test_memory_is_bounded_over_hours():
    info = StreamInfo("t", 100.0, ("II",))
    segmenter = Segmenter(info, MANIFEST)
    sizes = []
    for start in range(0, 100 * 7200, 25):
        block = Samples("t", start, np.zeros((25, 1), np.float32))
        due = [RPeak("t", start + 5, start + 24)] if start % 75 == 0 else []
        segmenter.push(block, due)
        if start % 60_000 == 0:  # every ten minutes
            sizes.append(len(pickle.dumps(segmenter)))
    assert max(sizes[1:]) < 1.05 * min(sizes[1:])


def test_following_interval_is_given_if_it_comes_in_time():
    manifest = Manifest(name="test", before_s=0.2, following_rr=1.2)
    found = [w for w, _ in run(np.ones(6000), [500, 800, 1100, 1400, 2900], manifest=manifest)]
    following = [w.following_rr_s for w in found]
    assert following[1] == following[2] == 300 / 360.0
    assert following[3:] == [None, None]


def two_leads(states=None, rpeak_lead=0, leads=2, hole=None):
    signal = np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32)
    if hole:
        signal[hole[0] : hole[1], 1] = np.nan
    manifest = Manifest(name="test", before_s=0.704, leads=leads)
    segmenter = Segmenter(StreamInfo("t", 360.0, ("II", "V1")), manifest)
    rpeak = RPeak("t", 1000, 1100, rpeak_lead)
    (window,) = segmenter.push(Samples("t", 0, signal), [rpeak], states)
    return signal, window


def alone(signal, lead):
    return run(signal[:, lead].astype(float), [1000], hop=2000)[0][0].values_mv


@pytest.mark.parametrize("lead", [0, 1])
def test_a_bundle_of_two_leads_gets_the_other_lead_too(lead):
    signal, window = two_leads(rpeak_lead=lead)
    assert window.second_lead == 1 - lead
    np.testing.assert_array_equal(window.values_mv, alone(signal, lead))
    np.testing.assert_array_equal(window.second_mv, alone(signal, 1 - lead))
    assert two_leads(leads=1)[1].second_mv is None


def test_a_lead_that_is_not_ok_or_lacks_signal_is_no_second_lead():
    off = (LeadState.OK, LeadState.NOISY)
    for _, window in (two_leads(off), two_leads(hole=(900, 1100))):
        assert window.valid
        assert window.second_mv is None
        assert window.second_lead is None
    assert two_leads((LeadState.NOISY, LeadState.OK))[1].second_mv is not None
