"""Measure a shipped model and write its card: ``python -m tools.evaluate aami``.

    python -m tools.evaluate aami --records ds1      a look at the training patients
    python -m tools.evaluate aami --write            measure on DS2, write models/README.md

Figures: EC57 (150 ms, from 5:00, gross), with reference R peaks and with the monitor's own
detector; both streamed through the monitor's stages, as in use.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly

from models.bundle import FOLDER, Bundle, load_bundle
from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.messages import Beat, RPeak, Samples, StreamInfo
from monitor.score import (
    RECORD_SETS,
    Annotations,
    Conditions,
    RecordScore,
    Summary,
    compare_beats,
    read_annotations,
    summarise,
)
from monitor.stages.classify import Classifier
from monitor.stages.detect import make_detector
from monitor.stages.quality import QualityGate
from monitor.stages.segment import BeatWindow, Segmenter
from tools.beat_card import part_of, replace_part
from tools.beats import HOP_S, leads, read, reference
from tools.card import Measured, Table, card, pair
from tools.train import data_folder

Signal = NDArray[np.float64]
RATES = {250: (25, 36), 128: (16, 45)}  # Hz: up, down from 360 Hz


@dataclass(frozen=True, slots=True)
class Variant:
    """How the signal of a record is changed before it is streamed: (leads) -> leads, rate."""

    name: str
    change: Callable[[Signal], Signal]
    rate_hz: float = 360.0


def variants() -> list[Variant]:
    """Give the conditions of the robustness table."""
    found = [
        Variant("as recorded", lambda s: s),
        Variant("inverted", lambda s: -s),
        Variant("second lead (V1, V2, V4, V5) alone", lambda s: s[:, ::-1]),
    ]
    for rate, (up, down) in RATES.items():

        def change(s: Signal, up: int = up, down: int = down) -> Signal:
            return np.asarray(resample_poly(s, up, down, axis=0))

        found.append(Variant(f"resampled to {rate} Hz", change, float(rate)))
    return found


def hops(signal: Signal, rate_hz: float) -> Iterator[Samples]:
    """Cut a record into the hops that the stages see."""
    values = signal.astype(np.float32)
    hop = round(HOP_S * rate_hz)
    for start in range(0, len(values), hop):
        yield Samples("record", start, values[start : start + hop])


def detect(signal: Signal, rate_hz: float) -> list[RPeak]:
    """Find the R peaks of a record with the monitor's own quality stage and detector."""
    settings = Settings()
    info = StreamInfo("record", rate_hz, tuple(f"L{k}" for k in range(signal.shape[1])))
    gate, detector = QualityGate(info, settings.quality), make_detector(info, settings.detect)
    rpeaks: list[RPeak] = []
    for block in hops(signal, rate_hz):
        rpeaks += detector.push(block, gate.push(block))
    return rpeaks + detector.flush()


def own_peaks(folder: Path, record: str, keep: Path | None) -> list[RPeak]:
    """Like :func:`detect`, on a record as it is; kept in, and taken from, the folder ``keep``."""
    path = keep / f"{record}.csv" if keep else None
    if path is None or not path.exists():
        found, _ = read(folder, record)
        rpeaks = detect(leads(found), float(found.fs))
        if path is None:
            return rpeaks
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [(p.sample, p.decided_sample, p.lead) for p in rpeaks]
        np.savetxt(path, np.array(rows, np.int64).reshape(-1, 3), "%d", ",")
    rows = np.loadtxt(path, np.int64, delimiter=",", ndmin=2).tolist()
    return [RPeak("record", sample, decided, lead) for sample, decided, lead in rows]


def label(
    bundle: Bundle, signal: Signal, rate_hz: float, rpeaks: list[RPeak]
) -> tuple[list[Beat], list[int]]:
    """Stream one record with given R peaks; beats, and the hop ends at which they came out."""
    info = StreamInfo("record", rate_hz, tuple(f"L{k}" for k in range(signal.shape[1])))
    segmenter, classifier = Segmenter(info, bundle.manifest), Classifier(info, bundle)
    waiting: list[BeatWindow] = []
    ends: list[int] = []
    at = 0
    for block in hops(signal, rate_hz):
        due = []
        while at < len(rpeaks) and rpeaks[at].decided_sample < block.end_sample:
            due.append(rpeaks[at])
            at += 1
        windows = segmenter.push(block, due, block.end_sample)
        waiting += windows
        ends += [block.end_sample - 1] * len(windows)
    windows = segmenter.flush(rpeaks[at:])
    waiting += windows
    ends += [len(signal) - 1] * len(windows)
    beats: list[Beat] = []
    for start in range(0, len(waiting), 64):  # labels do not depend on the batch
        beats += classifier.push(waiting[start : start + 64], len(signal) - 1)
    return beats, ends


def measure(
    bundle: Bundle,
    folder: Path,
    records: tuple[str, ...],
    variant: Variant,
    own: bool,
    keep: Path | None = None,
) -> tuple[list[RecordScore], list[RecordScore], list[tuple[str, Beat]]]:
    """Label records; give the scores by the maps of EC57 and of the ML literature, and beats."""
    ec57: list[RecordScore] = []
    ml: list[RecordScore] = []
    all_beats: list[tuple[str, Beat]] = []
    for record in records:
        found, annotation = read(folder, record)
        peaks, symbols = reference(annotation, bundle.manifest)
        factor = variant.rate_hz / float(found.fs)
        signal = variant.change(leads(found))
        if own:
            rpeaks = own_peaks(folder, record, keep)
        else:
            rpeaks = [RPeak("record", p, p) for p in np.round(peaks * factor).astype(int).tolist()]
        beats, ends = label(bundle, signal, variant.rate_hz, rpeaks)
        latency_s = np.median([e - b.sample for b, e in zip(beats, ends, strict=True)])
        samples = np.round(np.array([b.sample for b in beats]) / factor).astype(np.int64)
        labels = "".join(b.label for b in beats)
        test = Annotations.from_arrays(samples, labels)
        truth, rate_hz = read_annotations(folder / "mitdb" / record, "atr")
        for scores, classes in ((ec57, "ec57"), (ml, "ml")):
            scores.append(
                compare_beats(
                    truth,
                    test,
                    float(rate_hz or found.fs),
                    record=record,
                    length_samples=found.sig_len,
                    conditions=Conditions(classes=classes),
                )
            )
        if not own:
            all_beats += list(zip(symbols, beats, strict=True))
        total = ml[-1].figures
        print(f"{variant.name}, {'own' if own else 'reference'} beats, {record}: "
              f"V {pair(total.v_se, total.v_pp)} S {pair(total.s_se, total.s_pp)}, "
              f"median latency {latency_s / variant.rate_hz:.2f} s", flush=True)  # fmt: skip
    return ec57, ml, all_beats


def speed(bundle: Bundle) -> tuple[float, float]:
    """Measure beats/s of the network on one core, one at a time and 64 together."""
    torch.set_num_threads(1)
    rates = []
    for count in (1, 64):
        signal = torch.randn(count, len(bundle.manifest.channels), bundle.manifest.length)
        features = torch.zeros(count, len(bundle.manifest.features))
        for _ in range(30):
            bundle.probabilities(signal, features)
        best = 1e9
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(100):
                bundle.probabilities(signal, features)
            best = min(best, time.perf_counter() - started)
        rates.append(100 * count / best)
    return rates[0], rates[1]


def calibration(beats: list[tuple[str, Beat]], label_map: dict[str, str]) -> float:
    """Give the expected calibration error of the top probability, ten bins."""
    class_of = {s: c for c, symbols in label_map.items() for s in symbols}
    top = np.array([max(b.probabilities) for _, b in beats])
    right = np.array([class_of[s] == b.label for s, b in beats])
    bins = np.minimum((top * 10).astype(int), 9)
    return float(
        sum(
            abs(top[bins == k].mean() - right[bins == k].mean()) * (bins == k).mean()
            for k in range(10)
            if (bins == k).any()
        )
    )


def macro_f1(summary: Summary) -> float:
    """Mean F1 of N, S and V from the EC57 matrix, missed and false beats counted."""
    m = summary.matrix
    total = 0.0
    for k in range(3):  # rows and columns begin N, S, V
        se, pp = m[k, k] / max(m[k].sum(), 1), m[k, k] / max(m[:, k].sum(), 1)
        total += 2 * se * pp / max(se + pp, 1e-9) / 3
    return float(total)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.evaluate", description=__doc__)
    parser.add_argument("model", help="a shipped name, or a file")
    parser.add_argument("--data", type=Path, help="folder with mitdb/")
    parser.add_argument("--records", choices=sorted(RECORD_SETS), default="ds2")
    parser.add_argument("--quick", action="store_true", help="reference beats only")
    parser.add_argument("--peaks", type=Path, help="folder to keep detected R peaks in")
    parser.add_argument("--write", action="store_true", help="write models/README.md")
    args = parser.parse_args()
    folder = data_folder(args.data)
    bundle = load_bundle(args.model)
    records = tuple(RECORD_SETS[args.records])
    tables = []
    errors = 0.0
    for k, variant in enumerate(variants()):
        for own in (False, True):
            if (k and own) or (args.quick and (k or own)):
                continue
            ec57, ml, beats = measure(bundle, folder, records, variant, own, args.peaks)
            table = Table(variant.name, own, ec57, ml, macro_f1(summarise(ml)))
            tables.append(table)
            print(table.line(), flush=True)
            if k == 0 and not own:
                errors = calibration(beats, bundle.manifest.label_map)
    one, many = speed(bundle)
    size = (FOLDER / f"{args.model}.pt").stat().st_size if args.model == "aami" else 0
    parameters = int(bundle.manifest.metrics.get("parameters", 0))
    text = card(
        bundle.manifest, Measured(args.records, tables, errors, one, many, size, parameters)
    )
    print(text)
    if args.write:
        path = FOLDER / "README.md"
        others = part_of(path.read_text(encoding="utf-8")) if path.exists() else ""
        path.write_text(replace_part(text, others), encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MonitorError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
