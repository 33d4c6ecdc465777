"""What the measuring of changed and faulty recordings counts."""

from pathlib import Path

import numpy as np
import pytest

from tools.evaluate.detect import SAMPLE
from tools.evaluate.detectors import read, stream
from tools.evaluate.stress import BAD_LEADS, FAULTS, Recording, bad_lead, found, with_faults

RATE_HZ = 360.0


def test_beats_are_found_within_150_ms_only() -> None:
    beats = np.array([100, 1000, 2000, 3000])
    peaks = np.array([60, 1055, 2054, 2946])
    assert found(beats, peaks, RATE_HZ).tolist() == [True, False, True, True]
    assert found(beats, peaks[:0], RATE_HZ).tolist() == [False] * 4
    assert found(beats[:0], peaks, RATE_HZ).tolist() == []


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_a_minute_and_nothing_else_changes(kind: str) -> None:
    signal = np.random.default_rng(0).standard_normal((round(200 * RATE_HZ), 2)).astype(np.float32)
    none = np.zeros(0, np.int64)
    record = Recording("x", signal, RATE_HZ, None, none, none)  # type: ignore[arg-type]
    changed, starts, ends = with_faults(record, kind)
    assert (starts / RATE_HZ).tolist() == [60.0, 120.0]
    inside = np.zeros(len(signal), bool)
    for start, end in zip(starts, ends, strict=True):
        inside[start:end] = True
        assert (changed[start:end] != signal[start:end]).any(axis=1).sum() >= end - start - 1
    if kind != "step":
        assert np.array_equal(changed[~inside], signal[~inside])
    assert np.array_equal(record.signal_mv, signal)


def test_lost_samples_never_reach_the_detector(data_dir: Path) -> None:
    signal, rate_hz, _ = read(data_dir, "100")
    signal = signal[: round(40 * rate_hz)]
    start, stop = round(15.1 * rate_hz), round(21.7 * rate_hz)
    whole, holed = (
        stream(signal, rate_hz).peaks,
        stream(signal, rate_hz, lost=[(start, stop)]).peaks,
    )
    assert [p for p in holed if p < start - rate_hz] == [p for p in whole if p < start - rate_hz]
    assert not [p for p in holed if start < p < stop]
    after = [p for p in whole if p > stop + 2 * rate_hz]
    assert after
    assert after == [p for p in holed if p > stop + 2 * rate_hz]


def test_the_sample_is_from_both_halves() -> None:
    assert (
        *("101", "109", "115", "119", "201", "207", "215", "230"),
        *("100", "121", "213", "231"),
    ) == SAMPLE


@pytest.mark.parametrize("kind", BAD_LEADS)
def test_missed_and_false_beats_are_counted_in_the_bad_minutes_alone(
    data_dir: Path, kind: str
) -> None:
    minute = round(60 * RATE_HZ)
    signal, rate_hz, _ = read(data_dir, "100")
    beats = np.array([minute - 100, minute + 100, minute + 500, 2 * minute + 100])
    peaks = np.array([minute - 100, minute + 100, minute + 300, 2 * minute + 900])
    record = Recording("100", signal[: 3 * minute], rate_hz, None, beats, peaks)  # type: ignore[arg-type]
    record.alone(1)
    count, missed, _, _, false, _, false_alone = bad_lead(record, kind, 0, data_dir)
    assert (count, missed, false) == (2, 1, 1)
    in_the_minute = (record.alone(1) >= minute) & (record.alone(1) < 2 * minute)
    assert false_alone >= in_the_minute.sum() - 2
