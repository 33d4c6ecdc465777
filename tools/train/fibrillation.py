"""Fit the weights of the VF detector, and tell how well they carry over to other records.

    python -m tools.train.fibrillation --data DIR

Windows of 3 s, one a second, of both leads of the 11 records of the MIT-BIH Malignant
Ventricular Ectopy Database and of DS1 of the MIT-BIH Arrhythmia Database. VF and flutter
against everything else; windows of VT, of noise, and across a change of rhythm are left out.
Each record with fibrillation weighs the same. Logistic regression with an L2 penalty on
standardised features. "Left out" figures: each record judged by weights fitted without it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy import optimize, signal

from monitor.score import RECORD_SETS
from monitor.stages.fibrillation import FEATURES, Features
from tools.data.reference import FLUTTER, rhythm_spans

WINDOW_S = 3.0
EDGE_S = 0.3  # a rhythm annotation may be so late or early
C = 0.3  # inverse strength of the penalty
POSITIVE_WEIGHT = 1000.0  # of all windows with VF of one record together


@dataclass(frozen=True)
class Windows:
    """Features (n, leads, features), NaN where an isoelectric line was plain; truth (n,)."""

    name: str
    features: NDArray[np.float64]
    fibrillates: NDArray[np.bool_]
    used: NDArray[np.bool_]


def read(path: Path) -> Windows:
    """Compute the windows of one record."""
    record = wfdb.rdrecord(str(path))
    sos = signal.butter(2, [1.0, 30.0], "bandpass", fs=record.fs, output="sos")
    stride = max(1, round(record.fs / 125.0))
    work_hz = record.fs / stride
    leads = signal.sosfilt(sos, np.nan_to_num(record.p_signal[:, :2]), axis=0)[::stride]
    size = round(WINDOW_S * work_hz)
    compute = Features(size, work_hz)
    ends_s = np.arange(WINDOW_S, len(leads) / work_hz, 1.0)
    found = np.full((len(ends_s), leads.shape[1], len(FEATURES)), np.nan)
    names = np.array(["mixed"] * len(ends_s), dtype="U8")
    spans = rhythm_spans(path)
    for i, end_s in enumerate(ends_s):
        end = round(end_s * work_hz)
        for lead in range(leads.shape[1]):
            _, _, features = compute.of(np.ascontiguousarray(leads[end - size : end, lead]))
            if features is not None:
                found[i, lead] = features
        for name, start, stop in spans:
            if start <= end_s - WINDOW_S + EDGE_S and end_s <= stop + EDGE_S:
                names[i] = name
    return Windows(
        path.name, found, np.isin(names, FLUTTER), ~np.isin(names, ["mixed", "NOISE", "VT"])
    )


def fit(records: Sequence[Windows]) -> tuple[NDArray[np.float64], float]:
    """Give weights on the raw features, and the bias."""
    rows: list[NDArray[np.float64]] = []
    truths: list[NDArray[np.float64]] = []
    weights: list[NDArray[np.float64]] = []
    for record in records:
        known = np.isfinite(record.features[:, :, 0]) & record.used[:, np.newaxis]
        truth = np.broadcast_to(record.fibrillates[:, np.newaxis], known.shape)[known]
        weight = np.ones(len(truth))
        if truth.any():
            weight[truth] = POSITIVE_WEIGHT / truth.sum()
        rows.append(record.features[known])
        truths.append(truth.astype(np.float64))
        weights.append(weight)
    x, y, w = np.concatenate(rows), np.concatenate(truths), np.concatenate(weights)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    z = np.column_stack(((x - mean) / spread, np.ones(len(x))))
    sign = 2.0 * y - 1.0

    def loss(beta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (z @ beta)
        value = float((w * np.logaddexp(0.0, -margin)).sum())
        slope = -(w * sign / (1.0 + np.exp(np.clip(margin, -500, 500)))) @ z
        slope[:-1] += beta[:-1] / C
        return value + 0.5 * float(beta[:-1] @ beta[:-1]) / C, slope

    start = np.zeros(z.shape[1])
    beta = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    raw = beta[:-1] / spread
    return raw, float(beta[-1] - mean @ raw)


def main(argv: Sequence[str] | None = None) -> int:
    """Fit and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=os.environ.get("ECG_MONITOR_DATA"))
    args = parser.parse_args(argv)
    if args.data is None:
        parser.error("give the folder of recordings: --data DIR, or ECG_MONITOR_DATA")
    paths = sorted(path.with_suffix("") for path in (args.data / "vfdb").glob("*.hea"))
    paths += [args.data / "mitdb" / name for name in RECORD_SETS["ds1"]]
    records = [read(path) for path in paths]
    weights, bias = fit(records)
    for name, weight in zip(FEATURES, weights, strict=True):
        print(f"{name:14s} {weight:8.2f}")
    print(f"{'bias':14s} {bias:8.2f}")
    for record in records:
        others, other_bias = fit([r for r in records if r is not record])
        odds = np.clip(np.nan_to_num(record.features @ others + other_bias, nan=-6.0), -6.0, 6.0)
        positive = odds.mean(axis=1) > 0.0
        truth, rest = record.fibrillates & record.used, ~record.fibrillates & record.used
        if truth.any() or positive[rest].any():
            print(f"left out {record.name}: {positive[truth].sum()} of {truth.sum()} windows of VF,"
                  f" {positive[rest].sum()} of {rest.sum()} others")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
