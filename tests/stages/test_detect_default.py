"""The default detector on real records: beats, R peaks and latency."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from default_detector import MINUTE, RATE_HZ, detect, errors, missed, record, score


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "leads", "allowed"),
    [
        ("108", 2, 4),  # tall P waves, small QRS
        ("119", 1, 1),  # bigeminy
        ("203", 2, 12),  # AF, multiform PVCs, noise
        ("208", 2, 12),  # PVCs, fusion beats
        ("107", 1, 3),  # paced, tall T waves
        ("217", 2, 5),  # paced
        ("114", 1, 2),  # small QRS
    ],
)
def test_finds_the_beats_of_hard_records(
    data_dir: Path, name: str, leads: int, allowed: int
) -> None:
    signal, beats, truth = record(data_dir, name, 6)
    peaks = detect(signal[:, :leads])
    result = score(peaks, truth, len(signal))
    assert errors(result) <= allowed, f"of {len(beats)} beats"
    assert np.median(np.abs(result.offsets_ms)) < 20.0


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upright", "inverted"])
@pytest.mark.parametrize("name", ["118", "203"])
def test_r_peaks_lie_on_the_r_peak_in_either_polarity(
    data_dir: Path, name: str, sign: float
) -> None:
    signal, _, truth = record(data_dir, name, 3)
    offsets_ms = np.abs(score(detect(sign * signal), truth, len(signal)).offsets_ms)
    assert np.median(offsets_ms) < 10.0
    assert np.percentile(offsets_ms, 95) < 40.0


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upright", "inverted"])
@pytest.mark.parametrize("name", ["122", "205"])
def test_noise_does_not_move_the_r_peak(data_dir: Path, name: str, sign: float) -> None:
    """Slow noise at 9 dB, as defined in the noise stress test database."""
    signal, beats, truth = record(data_dir, name, 6)
    slow = scipy.signal.butter(2, (1.0, 8.0), "bandpass", fs=RATE_HZ, output="sos")
    noise = scipy.signal.sosfilt(
        slow, np.random.default_rng(1).standard_normal(signal.shape), axis=0
    )
    size = np.median(np.ptp(signal[beats[5:-5, None] + np.arange(-18, 19)], axis=1), axis=0)
    noise *= size / np.sqrt(8.0) / noise.std(axis=0) * 10 ** (-9 / 20)
    result = score(detect(sign * (signal + noise)), truth, len(signal))
    offsets_ms = np.abs(result.offsets_ms)
    assert errors(result) <= 4, f"of {len(beats)} beats"
    assert np.median(offsets_ms) < 10.0
    assert np.mean(offsets_ms > 20.0) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("name", "looked_back"), [("100", 0), ("203", 2)])
def test_decides_within_a_second(data_dir: Path, name: str, looked_back: int) -> None:
    signal, _, _ = record(data_dir, name, 5)
    peaks = detect(signal)
    delays_s = [(p.decided_sample - p.sample) / RATE_HZ for p in peaks if not p.searched_back]
    assert np.median(delays_s) <= 0.35
    assert max(delays_s) <= 1.0
    assert len(peaks) - len(delays_s) <= looked_back


def test_first_beats_are_given_in_time_or_marked_wherever_the_stream_begins(
    data_dir: Path,
) -> None:
    signal, beats, _ = record(data_dir, "119", 3)
    given = marked = 0
    for start in range(0, MINUTE, 1111):
        peaks = detect(signal[start : start + MINUTE // 6])
        assert missed(peaks, beats - start, 36, MINUTE // 6 - RATE_HZ) == []
        late = [p for p in peaks if p.decided_sample - p.sample > RATE_HZ]
        assert all(p.searched_back for p in late)
        given += len(peaks)
        marked += len(late)
    assert marked < given / 50


def test_a_t_wave_taken_for_the_first_beat_is_forgotten(data_dir: Path) -> None:
    # the record begins with a T wave, 0.8 s before its first QRS
    signal, beats, _ = record(data_dir, "202", 2)
    peaks = detect(signal[:, :1])
    assert missed(peaks, beats, 0, len(signal) - RATE_HZ) == []
    late = [p.sample for p in peaks if p.sample > 3 * RATE_HZ]
    assert [p for p in late if np.abs(beats - p).min() > 0.15 * RATE_HZ] == []


def test_a_beat_pending_while_its_level_is_forgotten_is_learnt(data_dir: Path) -> None:
    # the level is learnt again while a beat weighed by the first one is pending
    start = 70_655
    signal, beats, _ = record(data_dir, "207", 4)
    peaks = detect(signal[start : start + MINUTE // 6])
    assert missed(peaks, beats - start, RATE_HZ, MINUTE // 6 - RATE_HZ) == []


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.03, 0.06, 0.1, 0.2])
def test_the_last_beat_of_a_stream_is_given(data_dir: Path, after_s: float) -> None:
    signal, beats, _ = record(data_dir, "100", 2)
    for last in beats[20:30]:
        end = round(last + after_s * RATE_HZ)
        # whole hops: the end of the stream is the end of a hop
        peaks = detect(signal[end % 90 : end])
        assert missed(peaks, beats - end % 90, 6 * RATE_HZ, end - end % 90) == []
