"""Measure a model that labels beats, and write its card.

    python -m tools.evaluate.labels --records ds1      a look at the training patients
    python -m tools.evaluate.labels --write            measure on DS2, write models/README.md
    python -m tools.evaluate.labels --write --quick    the figures in the bundle alone
    python -m tools.evaluate.labels --write --seeds build/beats/aami-*.pt   that section alone
    python -m tools.evaluate.labels --write --speed                         that row alone

Figures: EC57 (150 ms, from 5:00, gross), with reference R peaks and with the monitor's own
detector; both streamed through the monitor's stages, as in use.

This file is long because it measures each section of the card in turn.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly

from monitor.config import ClassifySettings, Settings
from monitor.errors import MonitorError
from monitor.messages import Beat, RPeak, Samples, StreamInfo
from monitor.models.bundle import Bundle, load_bundle, restate
from monitor.models.shipped import SHIPPED
from monitor.pipeline import Pipeline
from monitor.score import (
    RECORD_SETS,
    Annotations,
    Conditions,
    RecordScore,
    compare,
    read_annotations,
    summarise,
)
from monitor.sources.wfdb.record import WfdbRecord
from monitor.stages.classify import Classifier
from monitor.stages.segment import BeatWindow, Segmenter
from tools.commands import parser_of, run
from tools.confusion import CARDS, Confusion, calibration_error, draw
from tools.data.beat_sets import SETS
from tools.data.beats import HOP_S, data_folder, leads, read, reference
from tools.data.noise import add_noise, electrode_motion
from tools.evaluate.beat_card import part_of, replace_part
from tools.evaluate.label_card import Measured, card, replace_speed, speed_row
from tools.evaluate.label_sections import STRANGERS, kept, kept_seeds, replace_seeds, seeds_part
from tools.evaluate.label_table import Table, pair
from tools.train.ship import write_hash

Signal = NDArray[np.float64]
Peaks = NDArray[np.int64]
NOISE_DB = (18.0, 12.0, 6.0, 0.0)
RATES = {250: (25, 36), 128: (16, 45)}  # Hz: up, down from 360 Hz


@dataclass(frozen=True, slots=True)
class Variant:
    """How a record is changed before it is streamed: (signal, R peaks) -> signal, at a rate."""

    name: str
    change: Callable[[Signal, Peaks], Signal]
    rate_hz: float = 360.0


def variants(folder: Path) -> list[Variant]:
    """Give the conditions of the robustness table; the first is the record as it is."""
    found = [
        Variant("as recorded", lambda s, _: s),
        Variant("first lead alone (MLII)", lambda s, _: s[:, :1]),
        Variant("second lead alone (V1, V2, V4, V5)", lambda s, _: s[:, 1:]),
        Variant("inverted", lambda s, _: -s),
    ]
    for rate, (up, down) in RATES.items():

        def change(s: Signal, _: Peaks, up: int = up, down: int = down) -> Signal:
            return np.asarray(resample_poly(s, up, down, axis=0))

        found.append(Variant(f"resampled to {rate} Hz", change, float(rate)))
    for snr_db in NOISE_DB:

        def noisy(s: Signal, peaks: Peaks, snr_db: float = snr_db) -> Signal:
            return add_noise(s, peaks, electrode_motion(folder), snr_db)

        found.append(Variant(f"electrode motion at {snr_db:g} dB", noisy))
    return found


def hops(signal: Signal, rate_hz: float) -> Iterator[Samples]:
    """Cut a record into the hops that the stages see."""
    values = signal.astype(np.float32)
    hop = round(HOP_S * rate_hz)
    for start in range(0, len(values), hop):
        yield Samples("record", start, values[start : start + hop])


def through_pipeline(folder: Path, record: str, model: str) -> list[Beat]:
    """Stream one record through the whole monitor; its beats."""
    source = WfdbRecord(folder / "mitdb" / record)
    settings = replace(Settings(), classify=ClassifySettings(model=model))
    pipeline = Pipeline(source.info, settings)
    events = [event for chunk in source.chunks() for event in pipeline.push(chunk)]
    return [event for event in [*events, *pipeline.flush()] if isinstance(event, Beat)]


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
        windows = segmenter.push(block, due)
        waiting += windows
        ends += [block.end_sample - 1] * len(windows)
    windows = segmenter.flush(rpeaks[at:])
    waiting += windows
    ends += [len(signal) - 1] * len(windows)
    beats: list[Beat] = []
    for start in range(0, len(waiting), 64):  # labels do not depend on the batch
        beats += classifier.push(waiting[start : start + 64], len(signal) - 1)
    return beats, ends


def measure(bundle: Bundle, folder: Path, records: Sequence[str], variant: Variant | None) -> Table:
    """Label records under a condition with reference R peaks; None: the whole monitor."""
    ec57: list[RecordScore] = []
    ml: list[RecordScore] = []
    reliability = Reliability()
    delays_s: list[float] = []
    for record in records:
        found, annotation = read(folder, record)
        truth, _ = read_annotations(folder / "mitdb" / record, "atr")
        peaks, symbols = reference(annotation, bundle.manifest)
        if variant is None:
            beats = through_pipeline(folder, record, bundle.source)
            samples = np.array([b.sample for b in beats])
            delays_s += [(b.decided_sample - b.sample) / found.fs for b in beats]
        else:
            factor = variant.rate_hz / float(found.fs)
            signal = variant.change(leads(found), peaks)
            places = np.round(peaks * factor).astype(int).tolist()
            rpeaks = [RPeak("record", p, p) for p in places]
            beats, _ = label(bundle, signal, variant.rate_hz, rpeaks)
            samples = np.round(np.array([b.sample for b in beats]) / factor).astype(np.int64)
            reliability.add(beats, symbols, bundle.manifest.label_map)
        test = Annotations.from_arrays(samples, "".join(b.label for b in beats))
        for scores, classes in ((ec57, "ec57"), (ml, "ml")):
            scores.append(
                compare(
                    truth,
                    test,
                    float(found.fs),
                    record=record,
                    length_samples=found.sig_len,
                    conditions=Conditions(classes=classes),
                )
            )
        total = ml[-1].figures
        print(f"{variant.name if variant else 'whole monitor'}, {record}: "
              f"V {pair(total.v_se, total.v_pp)} S {pair(total.s_se, total.s_pp)}",
              flush=True)  # fmt: skip
    return Table(
        variant.name if variant else "as recorded",
        variant is None,
        ec57,
        ml,
        reliability.error() if variant else None,
        float(np.median(delays_s)) if delays_s else None,
    )


class Reliability:
    """The reliability of the top probability: expected calibration error, ten bins."""

    def __init__(self) -> None:
        self._top: list[float] = []
        self._right: list[bool] = []

    def add(self, beats: list[Beat], symbols: list[str], label_map: dict[str, str]) -> None:
        """Take labelled beats with their reference symbols."""
        class_of = {s: c for c, symbols in label_map.items() for s in symbols}
        self._top += [max(b.probabilities) for b in beats]
        self._right += [class_of[s] == b.label for b, s in zip(beats, symbols, strict=True)]

    def error(self) -> float:
        """Mean over the beats of the difference between probability and share right, by bin."""
        return calibration_error(np.array(self._top), np.array(self._right))


def speed(bundle: Bundle) -> tuple[float, float]:
    """Measure beats/s of the network on one core, one at a time and 64 together.

    The shortest of many single calls counts: what else the machine does is left out.
    """
    torch.set_num_threads(1)
    rates = []
    for count in (1, 64):
        signal = torch.randn(count, bundle.manifest.signal_rows, bundle.manifest.length)
        features = torch.zeros(count, bundle.manifest.feature_count)
        best = 1e9
        for _ in range(1000):
            started = time.perf_counter()
            bundle.probabilities(signal, features)
            best = min(best, time.perf_counter() - started)
        rates.append(count / best)
    return rates[0], rates[1]


def confusion(table: Table) -> Confusion:
    """Give the matrix of the ML map as found beats by class."""
    matrix = summarise(table.ml).matrix
    return Confusion(matrix[:5, :5], tuple("NSVFQ"))


def state(bundle: Bundle, name: str, table: Table) -> None:
    """Write figures on DS2 into the manifest of a bundle."""
    metrics = {k: v for k, v in bundle.manifest.metrics.items() if k == "parameters"}
    metrics |= {"measured_on": "DS2, reference R peaks, e and j as N", **table.metrics()}
    sha256 = restate(Path(bundle.source), replace(bundle.manifest, metrics=metrics))
    if name in SHIPPED:
        write_hash(name, sha256)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("evaluate.labels", __doc__)
    parser.add_argument("model", nargs="?", default="aami", help="a shipped name, or a file")
    parser.add_argument("--data", type=Path, help="folder with mitdb/")
    parser.add_argument("--records", choices=sorted(RECORD_SETS), default="ds2")
    parser.add_argument("--quick", action="store_true", help="as recorded, reference beats only")
    parser.add_argument("--speed", action="store_true", help="measure the speed alone")
    parser.add_argument("--seeds", type=Path, nargs="*", help="measure these bundles alone")
    parser.add_argument("--write", action="store_true", help="write models/README.md")
    args = parser.parse_args(argv)
    if args.write and args.records != "ds2":
        parser.error("--write is for figures of DS2")
    bundle = load_bundle(args.model)
    if bundle.manifest.name in SETS:
        raise MonitorError(f"model {args.model} is of one beat window: use tools.evaluate.beats")
    if args.write and bundle.manifest.name != "aami":
        raise MonitorError(f"model {args.model} is not aami, whose card it is: leave out --write")
    folder = data_folder(args.data)
    records = RECORD_SETS[args.records]
    conditions = variants(folder)
    path = CARDS / "README.md"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if args.speed:
        row = speed_row(*speed(bundle))
        print(row)
        if args.write:
            path.write_text(replace_speed(old, row), encoding="utf-8")
        return 0
    tables = [measure(bundle, folder, records, conditions[0])]
    if args.seeds:
        found = {bundle.manifest.seed: tables[0]}
        for file in args.seeds:
            other = load_bundle(str(file))
            found[other.manifest.seed] = measure(other, folder, records, conditions[0])
        part = seeds_part(bundle.manifest, sorted(found.items()))
        print(part)
        if args.write:
            path.write_text(replace_seeds(old, part), encoding="utf-8")
        return 0
    other_half = None
    if not args.quick:
        tables.append(measure(bundle, folder, records, None))
        tables += [measure(bundle, folder, records, variant) for variant in conditions[1:]]
        if args.records == "ds2":
            other_half = measure(bundle, folder, RECORD_SETS["ds1"], None)
    one, many = speed(bundle)
    measured = Measured(
        args.records,
        tables,
        one,
        many,
        Path(bundle.source).stat().st_size,
        int(bundle.manifest.metrics.get("parameters", 0)),
        other_half,
    )
    text = card(bundle.manifest, measured, kept_seeds(old), kept(old, STRANGERS))
    print(text)
    if args.write:
        state(bundle, args.model, tables[0])
    if args.write and not args.quick:
        path.write_text(replace_part(text, part_of(old)), encoding="utf-8")
        title = f"{bundle.manifest.name}, {args.records.upper()}, reference R peaks"
        draw(confusion(tables[0]), title, CARDS / "confusion" / f"{bundle.manifest.name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "labels"))
