"""Heart-rate error: each test measurement against the nearest reference measurement.

The reference heart rate is made from the reference beats, by the rule of the test. The standard
leaves this rule to the device and asks to state it: here it is the mean of the last
:data:`RR_COUNT` RR intervals, at every beat. Measurement annotations (``=``), where both
files hold them, are compared as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.score.annotations import Annotations
from monitor.score.episodes import VF, Interval, episodes

RR_COUNT = 12
"""RR intervals averaged for a heart rate, as bedside monitors do (IEC 60601-2-27 disclosures)."""

MIN_BPM, MAX_BPM = 10.0, 400.0

Series = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class RateScore:
    """Heart-rate error of one record.

    ``error_percent`` is the root-mean-square error over the mean reference rate, ``rms_bpm``
    the same in beats per minute, ``mean_bpm`` the mean reference rate; ``count``
    measurements were compared. ``rule`` says where the rates come from.
    """

    error_percent: float
    rms_bpm: float
    mean_bpm: float
    count: int
    rule: str


def beat_rates(
    annotations: Annotations,
    classes: Mapping[str, str],
    rate_hz: float,
    without: Sequence[Interval] = (),
) -> Series:
    """Heart rate at every beat: 60 over the mean of the last :data:`RR_COUNT` RR intervals.

    Gives samples (n,) and rates in beats per minute (n,); the first ones average what there
    is. Intervals that touch one of ``without``, or mean less than 10 or more than 400 beats per
    minute (a shutdown, a beat annotated twice), are left out.
    """
    beats = np.array(
        [
            s
            for s, symbol in zip(annotations.samples, annotations.symbols, strict=True)
            if symbol in classes
        ],
        np.int64,
    )
    rr_s = np.diff(beats) / rate_hz
    good = (rr_s >= 60.0 / MAX_BPM) & (rr_s <= 60.0 / MIN_BPM)
    for start, end in without:
        good &= (beats[1:] <= start) | (beats[:-1] >= end)
    ends, rr_s = beats[1:][good], rr_s[good]
    total = np.concatenate([[0.0], np.cumsum(rr_s)])
    last = np.arange(1, len(rr_s) + 1)
    first = np.maximum(last - RR_COUNT, 0)
    return ends, 60.0 * (last - first) / (total[last] - total[first])


def measurements(annotations: Annotations, subtype: int = 0) -> Series:
    """Measurement annotations (``=``) of one subtype: samples and the numbers in their texts."""
    samples, values = [], []
    for sample, symbol, kind, aux in zip(
        annotations.samples.tolist(),
        annotations.symbols,
        annotations.subtypes.tolist(),
        annotations.aux,
        strict=True,
    ):
        if symbol == "=" and kind == subtype:
            try:
                value = float(aux.split()[0])
            except (ValueError, IndexError):
                raise MonitorError(
                    f"measurement annotation at sample {sample} holds {aux!r}, not a number"
                ) from None
            samples.append(sample)
            values.append(value)
    return np.array(samples, np.int64), np.array(values, np.float64)


def compare_measurements(
    ref: Series, test: Series, start_sample: int, end_sample: int | None, rule: str
) -> RateScore | None:
    """Compare two series of measurements; ``None`` if either side has none to compare.

    Every test measurement from ``start_sample`` to ``end_sample`` is set against the
    reference measurement nearest in time, the later one if two are equally near.

    Notes
    -----
    ``mxm`` of the WFDB software package normalises by the number of all test measurements,
    those of the learning period included; here only what was compared counts.
    """
    ref_at, ref_values = ref
    test_at, test_values = test
    chosen = test_at >= start_sample
    if end_sample is not None:
        chosen &= test_at <= end_sample
    test_at, test_values = test_at[chosen], test_values[chosen]
    if not len(test_at) or not len(ref_at):
        return None
    after = np.searchsorted(ref_at, test_at, side="left")
    later = np.minimum(after, len(ref_at) - 1)
    earlier = np.maximum(after - 1, 0)
    nearer = test_at - ref_at[earlier] < ref_at[later] - test_at
    paired = ref_values[np.where(nearer & (after > 0), earlier, later)]
    errors = paired - test_values
    mean = float(paired.mean())
    if mean == 0.0:
        raise MonitorError("the reference measurements have a mean of zero: no relative error")
    rms = math.sqrt(float((errors**2).mean()))
    return RateScore(100.0 * rms / abs(mean), rms, mean, len(test_at), rule)


def compare_heart_rate(
    ref: Annotations,
    test: Annotations,
    classes: Mapping[str, str],
    rate_hz: float,
    start_sample: int,
    end_sample: int | None,
) -> RateScore | None:
    """Heart-rate error from measurement annotations if both sides have them, else from beats.

    From beats, both sides leave out the reference's ventricular fibrillation, where there is no
    heart rate to compare with.
    """
    if "=" in ref.symbols and "=" in test.symbols:
        return compare_measurements(
            measurements(ref),
            measurements(test),
            start_sample,
            end_sample,
            "measurement annotations",
        )
    fibrillation = episodes(ref, VF, end_sample)
    return compare_measurements(
        beat_rates(ref, classes, rate_hz, fibrillation),
        beat_rates(test, classes, rate_hz, fibrillation),
        start_sample,
        end_sample,
        f"mean of the last {RR_COUNT} RR intervals at every beat on both sides, without VF",
    )
