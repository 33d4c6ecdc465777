"""The signal of a report's page: small, and quick to read in a browser. Pure.

Each lead is a row of 16-bit numbers, steps of ``step_mv``. Stored is the difference of each to
the one before it, modulo 2^16: all low bytes, then all high bytes, deflated, in base64. Missing
samples repeat the one before; ``holes`` says where they are.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from monitor.messages import FloatArray

STEP_MV, COARSE_STEP_MV = 0.005, 0.01
MAX_SAMPLES = 4_000_000  # of all leads at the full rate: half an hour of two leads has 1.3 million
COARSE_HZ = 100.0  # a longer recording is thinned to a rate not below this
MAX_LEADS = 3


def signal_data(values_mv: FloatArray, rate_hz: float, leads: tuple[str, ...]) -> dict[str, Any]:
    """Give the signal for the page.

    Parameters
    ----------
    values_mv
        Shape (n, leads), mV; NaN is missing.
    rate_hz
        Sampling rate.
    leads
        Names of the leads; the first :data:`MAX_LEADS` are given.
    """
    shown = values_mv[:, : min(len(leads), MAX_LEADS)]
    every, step_mv = 1, STEP_MV
    if shown.size > MAX_SAMPLES:
        every = max(int(rate_hz // COARSE_HZ), 1)
        shown, step_mv = _thinned(shown, every), COARSE_STEP_MV
    missing = ~np.isfinite(shown).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], missing.astype(np.int8), [0]))))
    return {
        "rate_hz": rate_hz / every,
        "samples": len(shown),
        "step_mv": step_mv,
        "leads": [*leads[: shown.shape[1]]],
        "data": [_packed(shown[:, i], step_mv) for i in range(shown.shape[1])],
        "holes": edges.reshape(-1, 2).tolist(),
    }


def _thinned(values_mv: FloatArray, every: int) -> FloatArray:
    """Give the mean of each ``every`` samples; missing where one is missing."""
    whole = len(values_mv) // every * every
    mean: FloatArray = values_mv[:whole].reshape(-1, every, values_mv.shape[1]).mean(axis=1)
    return mean


def _packed(lead_mv: FloatArray, step_mv: float) -> str:
    known = np.isfinite(lead_mv)
    place = np.maximum.accumulate(np.where(known, np.arange(len(lead_mv)), 0))
    steps = np.nan_to_num(lead_mv[place] / step_mv)
    digital = np.clip(np.rint(steps), -32768, 32767).astype(np.int64)
    by = np.diff(digital, prepend=0).astype("<u2")
    planes = by.view(np.uint8).reshape(-1, 2).T.tobytes()
    return base64.b64encode(zlib.compress(planes, 6)).decode()
