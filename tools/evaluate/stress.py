"""Test the default QRS detector under changes that should not matter, and under faults.

    python -m tools.evaluate.stress --data DIR                    # the 12 records of ``sample``
    python -m tools.evaluate.stress --data DIR --records mitdb44
    python -m tools.evaluate.stress --data DIR --records 101 106 --tables faults lead

Three tables, all streamed through the quality stage in hops of 0.25 s, MLII first:

changes   the recording as a whole is changed: gain, offset, polarity, sampling rate, mains of
          0.2 mV. Se and +P as in ``tools.evaluate.detect``, and how far they moved, in points.
faults    once a minute, over all leads: 3 s lost on the way (hole), missing (NaN), at the rail,
          with a flat line; a step of the baseline by 4 mV; a spike of 10 mV on three samples.
          Counted are the beats from 2 s after the fault's end to the next fault, that are missed
          with the fault and not without it, or the other way round; and, with the fault, false
          beats from 0.1 s before to 0.3 s after its start, and from there to 2 s after its end.
lead      every other minute one of two leads is flat, missing, at the rail, or noise: white, of
          0.5 mV; muscle (record ``ma`` of NSTDB), of 0.3 mV RMS; faint, white, of 0.02 mV. Beats
          missed and false beats from the start of the bad minutes to their end, with two good
          leads, with the bad one, and by the other lead alone, which is all that can be asked.

This file is long because it is the list of all changes and faults.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.signal
import wfdb
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from monitor.errors import MonitorError
from monitor.messages import FloatArray
from monitor.score import Annotations, RecordScore, compare_beats, read_annotations, summarise
from monitor.score.annotations import EC57_CLASSES
from tools.commands import parser_of
from tools.evaluate.detect import expand
from tools.evaluate.detectors import read, stream

Samples: TypeAlias = NDArray[np.int64]
Change: TypeAlias = Callable[[FloatArray, float], tuple[NDArray[np.floating], float]]

TABLES = ("changes", "faults", "lead")
MATCH_S = 0.15
FAULT_S = 3.0
BACK_S = 2.0
START_S = 300.0


@dataclass(slots=True)
class Recording:
    """A record as it was recorded; ``beats`` outside ventricular flutter."""

    name: str
    signal_mv: FloatArray
    rate_hz: float
    truth: Annotations
    beats: Samples
    peaks: Samples  # found in the signal as it is
    _alone: dict[int, Samples] = field(default_factory=dict)

    def alone(self, lead: int) -> Samples:
        """R peaks found in one lead without the other."""
        if lead not in self._alone:
            self._alone[lead] = peaks(self.signal_mv[:, [lead]], self.rate_hz)
        return self._alone[lead]


def _mains(frequency_hz: float) -> Change:
    def change(x: FloatArray, rate_hz: float) -> tuple[NDArray[np.floating], float]:
        hum = 0.2 * np.sin(2 * np.pi * frequency_hz * np.arange(len(x)) / rate_hz)
        return x + hum[:, None], rate_hz

    return change


def _resampled(to_hz: int) -> Change:
    def change(x: FloatArray, rate_hz: float) -> tuple[NDArray[np.floating], float]:
        common = np.gcd(to_hz, round(rate_hz))
        up, down = to_hz // common, round(rate_hz) // common
        return scipy.signal.resample_poly(x, up, down, axis=0), float(to_hz)

    return change


CHANGES: dict[str, Change] = {
    "as recorded": lambda x, hz: (x, hz),
    "gain 0.1": lambda x, hz: (0.1 * x, hz),
    "gain 10": lambda x, hz: (10.0 * x, hz),
    "offset -3 mV": lambda x, hz: (x - 3.0, hz),
    "inverted": lambda x, hz: (-x, hz),
    "50 Hz mains": _mains(50.0),
    "60 Hz mains": _mains(60.0),
    **{f"at {rate} Hz": _resampled(rate) for rate in (100, 125, 250, 500, 1000)},
}
FAULTS = ("hole", "NaN", "rail", "flat", "step", "spike")
BAD_LEADS = ("flat", "NaN", "rail", "noise", "muscle", "faint")


def load(data: Path, name: str) -> Recording:
    """Read a record and detect its beats as it is."""
    signal_mv, rate_hz, path = read(data, name)
    truth, _ = read_annotations(path, "atr")
    symbols = np.array(truth.symbols)
    beats = truth.samples[np.isin(symbols, list(EC57_CLASSES))]
    flutter = truth.samples[np.isin(symbols, ["[", "]"])]
    beats = beats[np.searchsorted(flutter, beats) % 2 == 0]
    return Recording(name, signal_mv, rate_hz, truth, beats, peaks(signal_mv, rate_hz))


def peaks(signal_mv: NDArray[np.floating], rate_hz: float, lost: Samples | None = None) -> Samples:
    """R peaks of the streamed default detector."""
    holes = [] if lost is None else [(int(a), int(b)) for a, b in lost]
    return np.array(stream(signal_mv.astype(np.float32), rate_hz, lost=holes).peaks, np.int64)


def found(beats: Samples, peaks_at: Samples, rate_hz: float) -> NDArray[np.bool_]:
    """Tell which of the first have one of the second within 150 ms."""
    if not len(peaks_at):
        return np.zeros(len(beats), bool)
    i = np.searchsorted(peaks_at, beats)
    before = np.abs(beats - peaks_at[np.maximum(i - 1, 0)])
    after = np.abs(beats - peaks_at[np.minimum(i, len(peaks_at) - 1)])
    near: NDArray[np.bool_] = np.minimum(before, after) <= MATCH_S * rate_hz
    return near


def score(record: Recording, change: Change) -> RecordScore:
    """Detect on a changed recording and compare by EC57."""
    signal_mv, rate_hz = change(record.signal_mv, record.rate_hz)
    scale = rate_hz / record.rate_hz
    moved = np.round(record.truth.samples * scale).astype(np.int64)
    return compare_beats(
        Annotations.from_arrays(moved, record.truth.symbols, record.truth.subtypes),
        Annotations.from_arrays(peaks(signal_mv, rate_hz)),
        rate_hz,
        record=record.name,
        length_samples=len(signal_mv),
    )


def with_faults(record: Recording, kind: str) -> tuple[FloatArray, Samples, Samples]:
    """Signal with a fault a minute; where they start and end."""
    signal_mv, rate_hz = record.signal_mv.copy(), record.rate_hz
    minute = round(60 * rate_hz)
    starts = np.arange(minute, len(signal_mv) - minute // 2, minute)
    length = {"step": 1, "spike": 3}.get(kind, round(FAULT_S * rate_hz))
    for at in starts:
        part = signal_mv[at : at + length]
        if kind in ("hole", "NaN"):
            part[:] = np.nan
        elif kind == "rail":
            part[:] = 5.12
        elif kind == "flat":
            part[:] = part[0]
        elif kind == "spike":
            part += 10.0
        else:
            signal_mv[at:] += 4.0 if (at // minute) % 2 else -4.0
    return signal_mv, starts, starts + length


def faults(record: Recording, kind: str) -> tuple[int, ...]:
    """Count beats; missed with faults only, without only; faults; false beats at, after them."""
    signal_mv, starts, ends = with_faults(record, kind)
    lost = np.stack((starts, ends), axis=1) if kind == "hole" else None
    at = peaks(signal_mv, record.rate_hz, lost)
    after = ends + round(BACK_S * record.rate_hz)
    i = np.searchsorted(after, record.beats, "right") - 1
    until = np.append(starts[1:], len(signal_mv))
    # a beat that the next fault cuts off is none
    counted = record.beats[
        (i >= 0)
        & (record.beats < until[i] - round(0.3 * record.rate_hz))
        & (record.beats > starts[0])
    ]
    with_fault = found(counted, at, record.rate_hz)
    without = found(counted, record.peaks, record.rate_hz)
    false = at[~found(at, record.beats, record.rate_hz)]
    begun = starts + round(0.3 * record.rate_hz)
    j = np.searchsorted(starts - round(0.1 * record.rate_hz), false, "right") - 1
    false_at = int(np.count_nonzero((j >= 0) & (false < begun[j])))
    j = np.searchsorted(begun, false, "right") - 1
    return (
        len(counted),
        int(np.count_nonzero(without & ~with_fault)),
        int(np.count_nonzero(with_fault & ~without)),
        len(starts),
        false_at,
        int(np.count_nonzero((j >= 0) & (false < after[j]))),
    )


def bad_lead(record: Recording, kind: str, lead: int, data: Path) -> tuple[int, ...]:
    """Count beats in the bad minutes; missed, then false: leads good, one bad, other alone."""
    signal_mv, rate_hz = record.signal_mv.copy(), record.rate_hz
    minute = np.arange(len(signal_mv)) // round(60 * rate_hz)
    bad = minute % 2 == 1
    rng = np.random.default_rng(lead)
    fill: dict[str, NDArray[np.floating] | float] = {
        "flat": 0.0,
        "NaN": np.nan,
        "rail": 5.12,
        "noise": 0.5 * rng.standard_normal(int(bad.sum())),
        "faint": 0.02 * rng.standard_normal(int(bad.sum())),
    }
    if kind == "muscle":
        noise = wfdb.rdrecord(str(data / "nstdb" / "ma")).p_signal[:, lead]
        noise = np.resize(0.3 * (noise - noise.mean()) / noise.std(), len(signal_mv))
        fill["muscle"] = noise[bad]
    signal_mv[bad, lead] = fill[kind]
    beats = record.beats[bad[record.beats]]
    runs = (record.peaks, peaks(signal_mv, rate_hz), record.alone(1 - lead))
    missed = [int(np.count_nonzero(~found(beats, at, rate_hz))) for at in runs]
    inside = [at[bad[at]] for at in runs]
    false = [int(np.count_nonzero(~found(at, record.beats, rate_hz))) for at in inside]
    return len(beats), *missed, *false


def _print(console: Console, title: str, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _changes(records: list[Recording]) -> list[list[str]]:
    rows: list[list[str]] = []
    plain: tuple[float, float] | None = None
    for name, change in track(CHANGES.items(), "changes", console=Console(stderr=True)):
        scores = [score(record, change) for record in records]
        gross = summarise(scores).gross
        se, pp = gross.q_se or 0.0, gross.q_pp or 0.0
        plain = plain or (se, pp)
        offsets = np.abs(np.concatenate([s.offsets_ms for s in scores]))
        rows.append(
            [
                name,
                f"{se:.3f}",
                f"{pp:.3f}",
                f"{se - plain[0]:+.3f}",
                f"{pp - plain[1]:+.3f}",
                f"{np.median(offsets):.1f}/{np.percentile(offsets, 95):.1f}",
            ]
        )
    return rows


def _faults(records: list[Recording]) -> list[list[str]]:
    return [
        [kind, *(str(sum(n)) for n in zip(*(faults(r, kind) for r in records), strict=True))]
        for kind in track(FAULTS, "faults", console=Console(stderr=True))
    ]


def _leads(records: list[Recording], data: Path) -> list[list[str]]:
    rows: list[list[str]] = []
    for kind in track(BAD_LEADS, "one lead", console=Console(stderr=True)):
        for lead in (0, 1):
            counts = [bad_lead(record, kind, lead, data) for record in records]
            totals = (str(sum(n)) for n in zip(*counts, strict=True))
            rows.append([f"lead {lead + 1} {kind}", *totals])
    return rows


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("evaluate.stress", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/ and nstdb/")
    parser.add_argument("--records", nargs="+", default=["sample"], metavar="RECORD")
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    options = parser.parse_args(argv)
    muscle = options.data / "nstdb" / "ma.hea"
    if "lead" in options.tables and not muscle.is_file():
        parser.error(f"--tables lead: there is no {muscle}")
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        records = [load(options.data, name) for name in expand(options.records)]
    except MonitorError as error:
        print(f"stress: {error}", file=sys.stderr)
        return 1
    print(f"records: {', '.join(record.name for record in records)}")
    if "changes" in options.tables:
        columns: tuple[str, ...] = ("change", "Se %", "+P %", "Se moved", "+P moved")
        columns += ("|dt| ms 50/95 %",)
        _print(console, "Changes of the whole recording", columns, _changes(records))
    if "faults" in options.tables:
        columns = ("fault", "beats", "missed with it only", "without it only", "faults")
        columns += ("false at it", "false after it")
        _print(console, "A fault a minute: from 2 s after it", columns, _faults(records))
    if "lead" in options.tables:
        columns = ("bad", "beats", "missed, both good", "one bad", "the other alone")
        columns += ("false, both good", "one bad", "the other alone")
        title = "One of two leads fails every other minute"
        _print(console, title, columns, _leads(records, options.data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
