"""Measure the signal-quality stage on recordings and on recordings with noise added.

    python -m tools.evaluate.quality --data FOLDER [--json FILE] [PART ...]

Every part streams whole records through the quality stage in hops of 0.25 s, from a fresh
start, and counts hops. "Unusable" is a hop in which no lead is ok; with one lead (``first
lead``) only signal 0 of the record is given to the stage.

mitdb     all 48 records of the MIT-BIH Arrhythmia Database: a false-alarm rate, since a
          cardiologist could read all of them. The limits were chosen on DS1; DS2 is measured.
vfdb      time by the rhythm in force according to the reference annotations.
cinc2015  true alarms: the ten seconds before the alarm (4:50 to 5:00).
nstdb     the noisy and the clean two-minute stretches after the fifth minute. Not used to
          choose anything.
ds1       noise added to the first ten minutes of the first lead of the DS1 records, from the
          third minute on: ``ma`` and ``bw`` of the NSTDB and simulated electrode motion,
          scaled to a signal-to-noise ratio as ``nst`` does it (QRS peak-to-peak squared / 8 over
          the noise power in windows of one second, both trimmed by 5 %).

References
----------
G. B. Moody, W. K. Muldrow, R. G. Mark, "A noise stress test for arrhythmia detectors",
Computers in Cardiology 11, 381-384 (1984).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy.signal import lfilter

from monitor.config import BlockSettings, QualitySettings
from monitor.messages import LeadState, Quality, Samples, StreamInfo
from monitor.score import RECORD_SETS
from monitor.score.annotations import EC57_CLASSES
from monitor.stages.blocks import Blocks
from monitor.stages.quality import QualityGate

Signal = NDArray[np.float64]
SNRS_DB = (12, 6, 0, -6)


def judge(signal_mv: Signal, rate_hz: float) -> list[Quality]:
    """Stream a signal, shape (n, leads), through the quality stage; one verdict for every hop."""
    leads = tuple(f"lead {k}" for k in range(signal_mv.shape[1]))
    info = StreamInfo("measured", rate_hz, leads)
    blocks, gate = Blocks(info, BlockSettings()), QualityGate(info, QualitySettings())
    hops = blocks.push(Samples("measured", 0, signal_mv.astype(np.float32)))
    return [gate.push(hop) for hop in hops if isinstance(hop, Samples)]


def read(path: Path) -> tuple[Signal, float]:
    """ECG signals of a record in mV, shape (n, leads), and its sampling rate."""
    record = wfdb.rdrecord(str(path))
    ecg = [k for k, unit in enumerate(record.units) if unit == "mV" and k < 2]
    return record.p_signal[:, ecg], float(record.fs)


def records(folder: Path) -> list[str]:
    """Names of the records in a folder."""
    return sorted(path.stem for path in folder.glob("*.hea"))


def unusable_percent(verdicts: list[Quality]) -> float:
    """Share of the hops in which no lead is ok."""
    return 100.0 * float(np.mean([not verdict.usable for verdict in verdicts]))


def states_percent(verdicts: list[Quality], lead: int) -> dict[str, float]:
    """Share of every state but ok."""
    states = [verdict.leads[lead] for verdict in verdicts]
    shares = {state.value: 100.0 * states.count(state) / len(states) for state in LeadState}
    return {name: round(share, 2) for name, share in shares.items() if name != "ok" and share}


def measure_mitdb(data: Path) -> dict[str, Any]:
    """Unusable time of the 48 MIT-BIH records."""
    table: dict[str, Any] = {}
    for name in records(data / "mitdb"):
        signal, rate_hz = read(data / "mitdb" / name)
        verdicts = judge(signal, rate_hz)
        table[name] = {
            "unusable": round(unusable_percent(verdicts), 3),
            "first lead": round(unusable_percent(judge(signal[:, :1], rate_hz)), 3),
            "lead 0": states_percent(verdicts, 0),
            "lead 1": states_percent(verdicts, 1),
        }
    halves = {"DS1": RECORD_SETS["ds1"], "DS2": RECORD_SETS["ds2"]}
    for title, names in {**halves, "all 48": tuple(table)}.items():
        for key in ("unusable", "first lead"):
            values = {name: table[name][key] for name in names}
            worst = max(values, key=lambda name: values[name])
            mean = float(np.mean(list(values.values())))
            table[f"{title}, {key}"] = f"mean {mean:.3f} %, worst {worst} {values[worst]:.2f} %"
    return table


def measure_vfdb(data: Path) -> dict[str, Any]:
    """Unusable time by rhythm in the VFDB records."""
    hops: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for name in records(data / "vfdb"):
        signal, rate_hz = read(data / "vfdb" / name)
        note = wfdb.rdann(str(data / "vfdb" / name), "atr")
        changes = [k for k, symbol in enumerate(note.symbol) if symbol == "+"]
        starts = note.sample[changes]
        rhythms = [note.aux_note[k].strip("\0( ") for k in changes]
        both, first = judge(signal, rate_hz), judge(signal[:, :1], rate_hz)
        for verdict, alone in zip(both, first, strict=True):
            k = int(np.searchsorted(starts, verdict.sample, side="right")) - 1
            hops[rhythms[max(k, 0)]].append((not verdict.usable, not alone.usable))
    return {
        rhythm: {
            "minutes": round(len(found) / 240.0, 1),
            "unusable": round(100.0 * float(np.mean([both for both, _ in found])), 2),
            "first lead": round(100.0 * float(np.mean([alone for _, alone in found])), 2),
        }
        for rhythm, found in sorted(hops.items())
    }


def measure_cinc2015(data: Path) -> dict[str, Any]:
    """Seconds without a usable lead in the ten before a true alarm, where there are any."""
    table: dict[str, Any] = {}
    count = 0
    for line in (data / "cinc2015" / "ALARMS").read_text().split():
        name, kind, true = line.split(",")
        if true != "1":
            continue
        count += 1
        signal, rate_hz = read(data / "cinc2015" / name)
        verdicts = judge(signal[: round(300 * rate_hz)], rate_hz)
        late = [v for v in verdicts if v.sample >= 290 * rate_hz]
        lost_s = sum((v.end_sample - v.sample) / rate_hz for v in late if not v.usable)
        if lost_s or any(state is not LeadState.OK for v in late for state in v.leads):
            leads = [states_percent(late, k) for k in range(signal.shape[1])]
            table[name] = {"kind": kind, "unusable_s": round(lost_s, 2), "leads": leads}
    table["true alarms"] = count
    return table


def measure_nstdb(data: Path) -> dict[str, Any]:
    """Share flagged of the noisy and of the clean stretches, by signal-to-noise ratio."""
    table: dict[str, Any] = {}
    for snr in ("24", "18", "12", "06", "00", "_6"):
        noisy: list[tuple[bool, bool]] = []
        clean: list[tuple[bool, bool]] = []
        for name in (f"118e{snr}", f"119e{snr}"):
            signal, rate_hz = read(data / "nstdb" / name)
            both, first = judge(signal, rate_hz), judge(signal[:, :1], rate_hz)
            for verdict, alone in zip(both, first, strict=True):
                minute = verdict.sample / rate_hz / 60.0
                is_noisy = minute >= 5.0 and (minute - 5.0) % 4.0 < 2.0
                flagged = (not verdict.usable, not alone.usable)
                (noisy if is_noisy else clean).append(flagged)
        table[f"{snr.replace('_', '-')} dB"] = {
            f"{title}, {leads}": round(100.0 * float(np.mean([f[k] for f in found])), 2)
            for title, found in (("noisy", noisy), ("clean", clean))
            for k, leads in enumerate(("both leads", "first lead"))
        }
    return table


def electrode_motion(n: int, rate_hz: float, rng: np.random.Generator) -> Signal:
    """Simulate electrode motion, shape (n,), in arbitrary units.

    Steps of all heights (Laplace) and speeds (10 to 300 ms) that decay with 0.6 s, in bouts,
    over a wandering baseline.
    """
    t = np.arange(n) / rate_hz
    knots = np.arange(0.0, t[-1] + 3.0, 3.0)
    activity = np.interp(t, knots, np.exp(rng.normal(0.0, 0.7, len(knots))))
    steps = np.zeros(n)
    for at in rng.integers(0, n, rng.poisson(1.5 * t[-1])):
        length = int(rate_hz * np.exp(rng.uniform(np.log(0.01), np.log(0.3)))) + 2
        edge = np.cumsum(np.hanning(length + 2)[1:-1])
        piece = steps[at : at + length]
        height = rng.laplace() * activity[at]
        piece += height * edge[: len(piece)] / edge[-1]
        steps[at + length :] += height
    motion = lfilter([1.0, -1.0], [1.0, -np.exp(-1.0 / (0.6 * rate_hz))], steps)
    frequencies_hz = np.fft.rfftfreq(n, 1.0 / rate_hz)
    spectrum = np.fft.rfft(rng.normal(size=n)) / np.maximum(frequencies_hz, 0.3) ** 1.2
    wander = np.fft.irfft(spectrum, n)
    return np.asarray(motion / motion.std() + 0.6 * wander / wander.std())


def scaled(
    noise: Signal, snr_db: float, ecg: Signal, r_peaks: NDArray[np.int64], rate_hz: float
) -> Signal:
    """Noise at the level at which adding it to ``ecg`` gives the signal-to-noise ratio."""
    reach = round(0.05 * rate_hz)
    heights = np.sort([np.ptp(ecg[max(0, r - reach) : r + reach]) for r in r_peaks])
    height = heights[len(heights) // 20 : -max(1, len(heights) // 20)].mean()
    pieces = noise[: len(noise) // round(rate_hz) * round(rate_hz)].reshape(-1, round(rate_hz))
    power = np.sort(pieces.std(axis=1))
    level = power[len(power) // 20 : -max(1, len(power) // 20)].mean()
    gain = float(height / np.sqrt(8.0) / 10.0 ** (snr_db / 20.0) / level)
    return noise * gain


def measure_ds1(data: Path) -> dict[str, Any]:
    """Share flagged with noise added, by kind and signal-to-noise ratio."""
    flagged: dict[str, list[bool]] = defaultdict(list)
    for number, name in enumerate(RECORD_SETS["ds1"]):
        signal, rate_hz = read(data / "mitdb" / name)
        note = wfdb.rdann(str(data / "mitdb" / name), "atr")
        ecg = signal[: round(600 * rate_hz), 0]
        is_beat = np.isin(note.symbol, list(EC57_CLASSES))
        r_peaks = note.sample[is_beat & (note.sample < len(ecg))]
        loud = np.arange(len(ecg)) >= 120 * rate_hz
        for kind in ("ma", "bw", "em"):
            if kind == "em":
                noise = electrode_motion(len(ecg), rate_hz, np.random.default_rng(number))
            else:
                noise = read(data / "nstdb" / kind)[0][: len(ecg), 0]
            for snr_db in SNRS_DB:
                mixed = ecg + loud * scaled(noise, snr_db, ecg, r_peaks, rate_hz)
                verdicts = judge(mixed[:, None], rate_hz)
                flagged[f"{kind} {snr_db} dB"] += [
                    not v.usable for v in verdicts if v.sample > 125 * rate_hz
                ]
    return {key: round(100.0 * float(np.mean(found)), 2) for key, found in flagged.items()}


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "mitdb": measure_mitdb,
    "vfdb": measure_vfdb,
    "cinc2015": measure_cinc2015,
    "nstdb": measure_nstdb,
    "ds1": measure_ds1,
}


def lines(table: dict[str, Any]) -> Iterator[str]:
    """Give the table as text, one line for every row."""
    for key, row in table.items():
        cells = row if isinstance(row, dict) else {"": row}
        yield f"  {key:24s}" + "  ".join(f"{name} {value}".strip() for name, value in cells.items())


def main(argv: list[str] | None = None) -> int:
    """Measure the parts asked for and print them; percentages of time unless stated."""
    parser = argparse.ArgumentParser(
        description="Measure the signal-quality stage on recordings.",
        epilog="example: python -m tools.evaluate.quality --data ../data mitdb vfdb",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/, vfdb/ ...")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    arguments = parser.parse_args(argv)
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; known: {', '.join(PARTS)}")
    parts = arguments.parts or list(PARTS)
    for folder in sorted({"mitdb" if part == "ds1" else part for part in parts}):
        if not (arguments.data / folder).is_dir():
            parser.error(f"there is no {folder}/ in {arguments.data}")
    results: dict[str, Any] = {}
    for part in parts:
        results[part] = PARTS[part](arguments.data)
        print(f"{part} (% of time)")
        print("\n".join(lines(results[part])), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
