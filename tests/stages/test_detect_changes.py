"""The default detector on changed and disturbed records: gain, rate, mains, faults, lost leads."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import wfdb
from default_detector import MINUTE, OFF, OK, RATE_HZ, Signal, detect, errors, missed, record, score

from monitor.messages import LeadState
from monitor.score import Annotations


def _mains(frequency_hz: float) -> Callable[[Signal], tuple[Signal, float]]:
    def change(x: Signal) -> tuple[Signal, float]:
        hum = 0.2 * np.sin(2 * np.pi * frequency_hz * np.arange(len(x)) / RATE_HZ)
        return x + hum[:, None], RATE_HZ

    return change


def _rate(rate_hz: int) -> Callable[[Signal], tuple[Signal, float]]:
    def change(x: Signal) -> tuple[Signal, float]:
        common = np.gcd(rate_hz, 360)
        resampled = scipy.signal.resample_poly(x, rate_hz // common, 360 // common, axis=0)
        return resampled, float(rate_hz)

    return change


@lru_cache
def plain_errors(folder: Path, name: str) -> int:
    """Errors on the first four minutes as they were recorded."""
    signal, _, truth = record(folder, name, 4)
    return errors(score(detect(signal), truth, len(signal)))


CHANGES: dict[str, Callable[[Signal], tuple[Signal, float]]] = {
    "gain 0.1": lambda x: (0.1 * x, RATE_HZ),
    "gain 10": lambda x: (10.0 * x, RATE_HZ),
    "inverted": lambda x: (-x, RATE_HZ),
    "offset": lambda x: (x - 3.0, RATE_HZ),
    "50 Hz mains": _mains(50.0),
    "60 Hz mains": _mains(60.0),
    "100 Hz": _rate(100),
    "250 Hz": _rate(250),
    "1000 Hz": _rate(1000),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_se_and_pp_stay_when_only_the_recording_changes(data_dir: Path, change: str) -> None:
    beats = before = after = 0
    for name in ("119", "203", "228"):
        signal, places, truth = record(data_dir, name, 4)
        beats += len(places)
        before += plain_errors(data_dir, name)
        changed, rate_hz = CHANGES[change](signal)
        scaled = Annotations.from_arrays(
            np.round(truth.samples * rate_hz / RATE_HZ).astype(np.int64), truth.symbols
        )
        after += errors(score(detect(changed, rate_hz), scaled, len(changed), rate_hz))
    # 0.1 point of 900 beats
    assert abs(after - before) <= 1, f"{before} errors before, {after} after, of {beats} beats"


@pytest.mark.slow
def test_the_first_sample_of_the_stream_does_not_matter(data_dir: Path) -> None:
    signal, _, _ = record(data_dir, "208", 2)
    at_zero = [(p.sample, p.decided_sample) for p in detect(signal)]
    later = [(p.sample - 9000, p.decided_sample - 9000) for p in detect(signal, first=9000)]
    assert at_zero == later


@pytest.mark.slow
@pytest.mark.parametrize("leads", [1, 2])
@pytest.mark.parametrize("fault", ["spike", "saturation", "step", "hole", "NaN"])
def test_is_back_two_seconds_after(data_dir: Path, fault: str, leads: int) -> None:
    signal, beats, _ = record(data_dir, "119", 2)
    changed = signal[:, :leads].copy()
    at, n = MINUTE, round(3 * RATE_HZ)
    end = at + n
    skip = range(0)
    if fault == "spike":
        end = at + 3
        changed[at:end] += 10.0
    elif fault == "saturation":
        changed[at:end] = 5.0
    elif fault == "step":
        end = at + 1
        changed[at:] += 4.0
    elif fault == "hole":
        skip = range(at, end)
    else:
        changed[at:end] = np.nan
    peaks = detect(changed, skip=skip)
    assert missed(peaks, beats, 6 * RATE_HZ, at - RATE_HZ) == []
    assert missed(peaks, beats, end + 2 * RATE_HZ, len(signal) - RATE_HZ) == []
    if fault in ("saturation", "hole", "NaN"):
        assert not [p for p in peaks if at + 0.3 * RATE_HZ < p.sample < end - 0.1 * RATE_HZ]


@pytest.mark.slow
@pytest.mark.parametrize("fill", [np.nan, 0.0])
def test_no_t_wave_is_searched_for_as_a_beat_after_a_fault(data_dir: Path, fill: float) -> None:
    """The leads come back 0.5 s after each fault, twice between a QRS and its T wave."""
    signal, beats, _ = record(data_dir, "101", 3)
    changed = signal.copy()
    faults = [(at, round(at + 3 * RATE_HZ)) for at in (MINUTE, 2 * MINUTE)]
    for start, end in faults:
        changed[start:end] = fill

    def states(at: int) -> tuple[LeadState, ...]:
        off = any(start + RATE_HZ <= at < end + 0.5 * RATE_HZ for start, end in faults)
        return (OFF if off else OK,) * 2

    peaks = np.array([p.sample for p in detect(changed, states=states)])
    for start, end in faults:
        seen = peaks[(peaks > start) & (peaks < end + 2.5 * RATE_HZ)]
        assert len(seen) >= 2
        assert all(np.abs(beats - peak).min() < 0.1 * RATE_HZ for peak in seen)


@pytest.mark.slow
@pytest.mark.parametrize("fill", [np.nan, 5.0, 0.0])
@pytest.mark.parametrize("bad", [0, 1])
def test_one_failing_lead_of_two_costs_no_beat(data_dir: Path, bad: int, fill: float) -> None:
    signal, beats, _ = record(data_dir, "100", 3)
    changed = signal.copy()
    start, stop = MINUTE, 2 * MINUTE
    changed[start:stop, bad] = fill

    def states(at: int) -> tuple[LeadState, ...]:
        # the quality stage needs about a second to decide
        off = start + RATE_HZ <= at < stop + RATE_HZ
        return tuple(OFF if off and lead == bad else OK for lead in range(2))

    peaks = detect(changed, states=states)
    assert missed(peaks, beats, 6 * RATE_HZ, len(signal) - RATE_HZ) == []
    assert len(peaks) <= len(beats) + 1
    inside = {p.lead for p in peaks if start + 2 * RATE_HZ < p.sample < stop}
    assert inside == {1 - bad if bad == 0 else 0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in ("109", "119", "205") for kind in ("muscle", "faint")]
    + [("215", "faint")],
)
def test_a_first_lead_that_loses_its_beats_costs_none(data_dir: Path, name: str, kind: str) -> None:
    """The lead is not flat: it holds muscle noise, or the noise of an amplifier."""
    signal, _, truth = record(data_dir, name, 6)
    noise = 0.02 * np.random.default_rng(5).standard_normal(len(signal))
    if kind == "muscle":
        muscle = wfdb.rdrecord(str(data_dir / "nstdb" / "ma"), sampto=len(signal)).p_signal[:, 0]
        noise = 0.3 * (muscle - muscle.mean()) / muscle.std()
    changed = signal.copy()
    for start in (MINUTE, 3 * MINUTE):
        lost = slice(start, start + MINUTE)
        changed[lost, 0] = noise[lost]
    assert errors(score(detect(changed), truth, len(signal))) <= 1


@pytest.mark.slow
def test_a_silent_first_lead_is_dropped_though_the_second_is_never_clear(data_dir: Path) -> None:
    """It counts again when it has beats, though the second lead has tremor."""
    signal, beats, _ = record(data_dir, "101", 25)
    lost = slice(23 * MINUTE, 24 * MINUTE)
    changed = signal.copy()
    changed[lost, 0] = 0.02 * np.random.default_rng(5).standard_normal(MINUTE)
    peaks = detect(changed)
    assert len(missed(peaks, beats, lost.start, lost.stop)) < 25  # of 61
    assert len(missed(peaks, beats, lost.stop, 25 * MINUTE)) <= 2  # both within 1.5 s
    later = [p.sample for p in peaks if p.sample >= lost.stop]
    assert len(later) <= np.count_nonzero(beats >= lost.stop) + 2


def test_an_asystole_with_artefacts_in_one_lead_stays_one(data_dir: Path) -> None:
    """The other lead is silent, like a failed lead."""
    read = wfdb.rdrecord(str(data_dir / "cinc2015" / "a604s"))
    peaks = detect(read.p_signal[:, :2], read.fs)
    found = [p.sample / read.fs for p in peaks]
    assert sum(285.0 < s < 293.5 for s in found) == 12
    assert not [s for s in found if 293.5 < s < 298.5]


def test_a_lead_that_did_not_count_counts_when_the_other_loses_its_beats(data_dir: Path) -> None:
    """The second lead is noise for a while before the first loses its beats."""
    signal, beats, _ = record(data_dir, "119", 4)
    rng = np.random.default_rng(5)
    changed = signal.copy()
    change, end = 2 * MINUTE, 3 * MINUTE
    changed[MINUTE:change, 1] = 0.5 * rng.standard_normal(change - MINUTE)
    changed[change:end, 0] = 0.02 * rng.standard_normal(end - change)
    peaks = detect(changed)
    assert missed(peaks, beats, 6 * RATE_HZ, change) == []
    found = [p for p in peaks if change <= p.sample < end]
    assert len(missed(peaks, beats, change, end)) <= 2
    assert any(p.searched_back for p in found)


@pytest.mark.slow
def test_a_noisy_second_lead_costs_no_beat(data_dir: Path) -> None:
    signal, beats, truth = record(data_dir, "100", 5)
    noise = wfdb.rdrecord(str(data_dir / "nstdb" / "ma"), sampto=len(signal)).p_signal
    changed = signal.copy()
    changed[:, 1] += 3.0 * noise[:, 0]
    assert errors(score(detect(changed), truth, len(signal))) <= len(beats) // 200


@pytest.mark.slow
@pytest.mark.parametrize("name", ["109", "119", "215"])
def test_white_noise_in_place_of_the_first_lead_costs_few_beats(data_dir: Path, name: str) -> None:
    signal, _, truth = record(data_dir, name, 4)
    changed = signal.copy()
    noise = np.random.default_rng(5).standard_normal(len(signal) - MINUTE)
    changed[MINUTE:, 0] = 0.5 * noise
    peaks = detect(changed)
    # the first beats show that it is noise; later R peaks are located in the other lead
    assert errors(score(peaks, truth, len(signal))) <= 3
    late = [p.lead for p in peaks if p.sample > MINUTE + 10 * RATE_HZ]
    assert np.mean(late) > 0.95


def test_a_few_missing_samples_cost_no_beat(data_dir: Path) -> None:
    signal, beats, _ = record(data_dir, "100", 2)
    changed = signal[:, :1].copy()
    for at in range(0, len(changed), 97):
        if np.abs(beats - at).min() > 36:
            changed[at : at + 2] = np.nan
    peaks = detect(changed)
    assert missed(peaks, beats, 6 * RATE_HZ, len(signal) - RATE_HZ) == []
    assert len(peaks) <= len(beats)
