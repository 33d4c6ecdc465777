"""Fit the score of fast runs: ventricular tachycardia or not.

    python -m tools.train runs --data DIR --output monitor/stages/alarms/run_weights.py

Recordings go through the monitor; every run of 5 beats at 100 bpm or faster is looked at, as
:mod:`monitor.stages.alarms.runs` does. What is known of the truth is a stretch of time, not a
beat: a stretch is a bag of looks, and it is the most convincing of them that is to be right
(multiple instance learning: the soft maximum of the log odds). Logistic regression with an L2
penalty; nothing is random. It is to be fitted again when the label network changes.

Stretches are:

* CinC Challenge 2015, both folders: the last 10 s before an alarm of VT, true or false; before
  false alarms of asystole, bradycardia and tachycardia, false;
* vfdb: VT of 4 s and more; each 10 s of another rhythm without VT, VF, flutter, ventricular
  escape, high-grade ectopy or noise near, false;
* MIT-BIH DS1: reference runs of 5 and more ventricular beats at 100 bpm; each 10 s without a run
  of 3 near, false.

A true alarm of the Challenge weighs five false ones, as it does in its score.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from monitor.messages import AlertKind
from monitor.pipeline import Pipeline
from monitor.score import RECORD_SETS
from monitor.sources.wfdb.record import WfdbRecord
from monitor.stages.alarms.rules import BEAT_RULES
from monitor.stages.alarms.runs import CLIP, FEATURES, features
from monitor.stages.alarms.view import View
from tools.commands import run
from tools.data.beats import data_folder
from tools.data.reference import reference_beats, rhythm_spans, runs_of_v, touches

Array = NDArray[np.float64]

BEATS = 5
BPM = 100.0
ALARM_S = 300.0  # of the Challenge: the alarm sounds then
TAIL_S = 10.0  # its event lies in the last seconds before
SOFT = 1.0  # of the soft maximum, log odds
PENALTY = 0.01
VT = "Ventricular_Tachycardia"
CINC = ("cinc2015", "cinc2015-more")
_MIXED = ("VT", "VF", "VFIB", "VFL", "HGEA", "VER", "NOISE", "ASYS")


@dataclass(frozen=True)
class Looks:
    """What was known of every fast run of a recording.

    ``rows`` has shape (n, features); ``times_s`` (n, 3): first and last beat, decision.
    """

    rows: Array
    times_s: Array
    length_s: float


@dataclass(frozen=True)
class Bag:
    """Looks in a stretch of time, of which the most convincing is to be right."""

    rows: Array
    ventricular: bool
    weight: float
    patient: str  # folder/record


class Watcher:
    """Stands in for the rule of VT: asked at every beat, it notes what is known of a fast run."""

    def __init__(self) -> None:
        self.rows: list[Array] = []
        self.times_s: list[tuple[float, float, float]] = []

    def __call__(self, view: View) -> None:
        """Note the run that ends with the newest beat, if it is fast."""
        last = view.last(BEATS)
        if len(last) == BEATS and view.rate_bpm(last) >= BPM:
            self.rows.append(features(last, len(view.run_of_v()), view.shapes))
            places = (last[0].sample, last[-1].sample, view.sample + 1)
            first_s, last_s, now_s = (place / view.rate_hz for place in places)
            self.times_s.append((first_s, last_s, now_s))

    def looks(self, length_s: float) -> Looks:
        """Give what was noted of a recording of some length."""
        rows = np.array(self.rows).reshape(-1, len(FEATURES))
        return Looks(rows, np.array(self.times_s).reshape(-1, 3), length_s)


def look(path: Path) -> Looks:
    """Run a recording through the monitor, and look at its fast runs."""
    stop_s = ALARM_S if path.parent.name in CINC else None
    record = WfdbRecord(path, stop_s=stop_s, pulse="off")
    watcher = Watcher()
    shipped = BEAT_RULES[AlertKind.VT]
    BEAT_RULES[AlertKind.VT] = watcher
    try:
        pipeline, end = Pipeline(record.info), 0
        for chunk in record.chunks():
            pipeline.push(chunk)
            end = chunk.end_sample
        pipeline.flush()
    finally:
        BEAT_RULES[AlertKind.VT] = shipped
    return watcher.looks(end / record.info.rate_hz)


def looks_of(path: Path, work: Path) -> Looks:
    """Give the looks of a recording, kept in a folder."""
    file = work / f"{path.parent.name}_{path.name}.npz"
    if not file.exists():
        work.mkdir(parents=True, exist_ok=True)
        found = look(path)
        np.savez(file, rows=found.rows, times_s=found.times_s, length_s=found.length_s)
    with np.load(file) as stored:
        return Looks(stored["rows"], stored["times_s"], float(stored["length_s"]))


def recordings(data: Path) -> list[Path]:
    """All recordings that the score is fitted on, of the folders that are there."""
    paths = []
    for folder in (*CINC, "vfdb"):
        paths += sorted(path.with_suffix("") for path in (data / folder).glob("*.hea"))
    return paths + [data / "mitdb" / name for name in RECORD_SETS["ds1"]]


def alarms_of(folder: Path) -> dict[str, tuple[str, bool]]:
    """Give kind and truth of the alarm of each Challenge record of a folder."""
    rows = [line.split(",") for line in (folder / "ALARMS").read_text().split()]
    return {name: (kind, truth == "1") for name, kind, truth in rows}


def bags_of(path: Path, looks: Looks) -> list[Bag]:
    """Give the stretches of a recording whose truth is known."""
    folder, end = path.parent.name, looks.times_s[:, 1]
    patient = f"{folder}/{path.name}"

    def bag(which: NDArray[np.bool_], ventricular: bool, weight: float) -> Bag:
        return Bag(looks.rows[which], ventricular, weight, patient)

    if folder in CINC:
        kind, truth = alarms_of(path.parent)[path.name]
        tail = looks.times_s[:, 2] > looks.length_s - TAIL_S
        if kind == VT:
            return [bag(tail, truth, 5.0 if truth else 1.0)]
        known = not truth and kind != "Ventricular_Flutter_Fib"
        return [bag(tail, False, 0.5)] if known else []
    if folder == "vfdb":
        spans = rhythm_spans(path)
        true = [(a, b) for name, a, b in spans if name == "VT" and b - a >= 4.0]
        late, mixed = 3.0, [(a, b) for name, a, b in spans if name in _MIXED]
    else:
        beats = reference_beats(path)
        true, late, mixed = runs_of_v(*beats, BEATS), 1.0, runs_of_v(*beats, 3)
    bags = [bag((end < b + late) & (end > a), True, 1.0) for a, b in true]
    for start in np.arange(0.0, looks.length_s - TAIL_S, TAIL_S):
        stretch = (start, start + TAIL_S)
        inside = (end >= start) & (end < stretch[1])
        if inside.any() and not touches(stretch, mixed, before_s=5.0, after_s=5.0):
            bags.append(bag(inside, False, 1.0))
    return bags


def _scaled(x: Array, mean: Array, scale: Array) -> Array:
    return np.asarray(np.nan_to_num(np.clip((x - mean) / scale, -CLIP, CLIP), nan=0.0))


@dataclass(frozen=True)
class Weights:
    """Mean and scale of each feature, weight of what is scaled, and the bias."""

    mean: Array
    scale: Array
    weights: Array
    bias: float

    def log_odds(self, rows: Array) -> Array:
        """Give the log odds of looks, shape (n,)."""
        return np.asarray(_scaled(rows, self.mean, self.scale) @ self.weights + self.bias)

    def most(self, bag: Bag) -> float:
        """Give the log odds of the most convincing look of a bag."""
        return float(self.log_odds(bag.rows).max(initial=-20.0))


def fit(bags: Sequence[Bag]) -> Weights:
    """Fit the weights to bags; those without a look teach nothing."""
    bags = [bag for bag in bags if len(bag.rows)]
    x = np.concatenate([bag.rows for bag in bags])
    mean, scale = np.nanmean(x, axis=0).round(4), (np.nanstd(x, axis=0) + 1e-4).round(4)
    z = np.column_stack((_scaled(x, mean, scale), np.ones(len(x))))
    counts = [len(bag.rows) for bag in bags]
    starts = np.cumsum([0, *counts[:-1]])
    owner = np.repeat(np.arange(len(bags)), counts)
    sign = np.array([1.0 if bag.ventricular else -1.0 for bag in bags])
    weight = np.array([bag.weight for bag in bags])
    weight /= weight.sum()

    def loss(beta: Array) -> tuple[float, Array]:
        score = z @ beta
        share = np.exp((score - np.maximum.reduceat(score, starts)[owner]) / SOFT)
        share /= np.add.reduceat(share, starts)[owner]
        soft = np.add.reduceat(share * score, starts)
        margin = sign * soft
        value = float(weight @ np.logaddexp(0.0, -margin))
        pull = -weight * sign / (1.0 + np.exp(np.clip(margin, -500.0, 500.0)))
        slope = (pull[owner] * share * (1.0 + (score - soft[owner]) / SOFT)) @ z
        slope[:-1] += PENALTY * beta[:-1]
        return value + 0.5 * PENALTY * float(beta[:-1] @ beta[:-1]), slope

    start = np.zeros(z.shape[1])
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    beta = found.x.round(4)
    return Weights(mean, scale, beta[:-1], float(beta[-1]))


def written(weights: Weights, digest: str) -> str:
    """Give the module of weights as text."""
    rows = zip(FEATURES, weights.mean, weights.scale, weights.weights, strict=True)
    lines = [f'    ("{name}", {m:.4f}, {s:.4f}, {w:.4f}),' for name, m, s, w in rows]
    return "\n".join(
        (
            '"""Weights of the score of fast runs; written by ``python -m tools.train runs``.',
            "",
            f"Recordings: sha256 {digest}.",
            '"""',
            "",
            "TABLE = (  # feature, mean, scale, weight",
            *lines,
            ")",
            f"BIAS = {weights.bias:.4f}",
            "",
        )
    )


def digest_of(paths: Sequence[Path]) -> str:
    """Hash the signals of recordings, in order."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.parent.glob(f"{path.name}.*")):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, and write the weights."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.train runs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder of recordings, or ECG_MONITOR_DATA")
    parser.add_argument("--work", type=Path, default=Path("build/runs"), help="cache folder")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args(argv)
    paths = recordings(data_folder(args.data))
    bags = [bag for path in paths for bag in bags_of(path, looks_of(path, args.work))]
    args.output.write_text(written(fit(bags), digest_of(paths)), encoding="utf-8")
    print(f"{len(paths)} recordings, {len(bags)} stretches: {args.output}")
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "runs"))
