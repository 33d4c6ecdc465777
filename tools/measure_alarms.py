"""Measure the alarms: everything runs through the whole pipeline, with default settings.

    python tools/measure_alarms.py [PART ...] [--data DIR] [--jobs N] [--noise-db SNR]

Protocols
---------
cinc
    PhysioNet/CinC Challenge 2015, real-time: the stream ends at 5:00, as it does in the
    Challenge. The record's own alarm is confirmed when the condition of our alarm of that kind
    is present at any time from 4:50 to the end (the last hop may be padded).
    Score (TP + TN) / (TP + TN + FP + 5 FN). First with the ECG leads only, then with the pulse
    waveform beside them (arterial pressure where there is one, else the plethysmogram).
    ``--noise-db SNR`` adds the electrode motion of the noise stress test database to the ECG
    leads from 1:00 on, each record another part of it. Signal: an eighth of the squared median
    of the peak-to-peak of each second; noise: mean square.
vfdb
    Reference VF and flutter of at least 4 s (pieces 0.5 s apart are one); found when the
    condition of our VF alarm overlaps them (3 s of delay allowed at the end). False: a VF alarm
    that touches neither VF, flutter nor VT of the reference; strict: nor VT counts as right.
    VT of at least 4 s is found by a VT or VF alarm.
mitdb
    The 44 records without pacing. False: a lethal alarm raised without what it says in the
    reference beats and rhythms around it. VT runs: six or more ventricular beats at 100 bpm.
af
    Duration of (AFIB, flutter left out of both: DS1, DS2, the 44 without pacing, all 48.
timing, rate
    On the simulator, at eight seeds or eight phases.
"""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy import signal

from monitor.config import Settings
from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Priority,
    Rhythm,
    Samples,
    StreamInfo,
)
from tools.alarm_reference import (
    FLUTTER,
    Span,
    merged,
    reference_beats,
    rhythm_spans,
    runs_of_v,
    share,
    touches,
)
from tools.alarm_timing import rate, timing
from tools.noise import electrode_motion

NOISE_FROM_S = 60.0
PACED = ("102", "104", "107", "217")
CHALLENGE = {
    "Asystole": AlertKind.ASYSTOLE,
    "Bradycardia": AlertKind.EXTREME_BRADY,
    "Tachycardia": AlertKind.EXTREME_TACHY,
    "Ventricular_Flutter_Fib": AlertKind.VF,
    "Ventricular_Tachycardia": AlertKind.VT,
}


@dataclass(frozen=True)
class Result:
    """What the pipeline said of one recording; times in seconds."""

    name: str
    rate_hz: float
    length_s: float
    alerts: list[Alert]
    rhythms: list[Rhythm]

    def present(self, kind: AlertKind) -> list[Span]:
        """When the condition of the alarms of a kind was present, from when it was told."""
        spans: list[Span] = []
        since: float | None = None
        for alert in self.alerts:
            if alert.kind is not kind:
                continue
            now = alert.sample / self.rate_hz
            over = alert.state is AlertState.CLEARED or alert.text.endswith("(ended)")
            if over and since is not None:
                spans.append((since, now))
                since = None
            elif not over and since is None and alert.state is not AlertState.ACKNOWLEDGED:
                since = now
        return [*spans, (since, self.length_s)] if since is not None else spans


@dataclass(frozen=True)
class Case:
    """A recording, and what is done with it."""

    path: Path
    pulse: bool = False
    noise_db: float | None = None


def analyse(case: Case) -> Result:
    """Run one WFDB record through the pipeline; Challenge records end at 5:00."""
    import torch

    from monitor.pipeline import Pipeline
    from monitor.sources.wfdb_record import WfdbRecord

    torch.set_num_threads(1)
    path = case.path
    stop_s = 300.0 if path.parent.name == "cinc2015" else None
    record = WfdbRecord(path, stop_s=stop_s, pulse="auto" if case.pulse else "off")
    chunks = record.chunks()
    if case.noise_db is not None:
        chunks = iter([noisy(record.info, list(chunks), path.parent.parent, case.noise_db)])
    pipeline = Pipeline(record.info, Settings())
    events = [event for chunk in chunks for event in pipeline.push(chunk)]
    events += pipeline.flush()
    length = wfdb.rdheader(str(path)).sig_len / record.info.rate_hz
    alerts = [event for event in events if isinstance(event, Alert)]
    rhythms = [event for event in events if isinstance(event, Rhythm)]
    return Result(path.name, record.info.rate_hz, length, alerts, rhythms)


def noisy(info: StreamInfo, chunks: Sequence[Samples], data: Path, snr_db: float) -> Samples:
    """Add electrode motion to the ECG leads of a recording, from ``NOISE_FROM_S`` on."""
    values = np.concatenate([chunk.values_mv for chunk in chunks])
    count = len(info.ecg.leads)
    second, first = round(info.rate_hz), round(NOISE_FROM_S * info.rate_hz)
    whole = values[: len(values) // second * second, :count].reshape(-1, second, count)
    size = np.nanmedian(np.ptp(whole, axis=1), axis=0)
    recorded = electrode_motion(data)
    noise = signal.resample_poly(recorded, round(info.rate_hz), 360)
    part = zlib.crc32(info.stream.encode()) % len(noise)
    at = (part + np.arange(len(values) - first)) % len(noise)
    added = noise[at][:, np.arange(count) % noise.shape[1]]
    scale = np.sqrt(size**2 / 8 * 10 ** (-snr_db / 10) / (added**2).mean(axis=0))
    values[first:, :count] += (added * scale).astype(np.float32)
    return Samples(info.stream, info.start_sample, values)


class Run(Protocol):
    """Analyses recordings; each of them once, though it is asked for by several parts."""

    def __call__(self, paths: list[Path], pulse: bool = False) -> list[Result]:
        """Give the results in order."""
        ...


def cinc(data: Path, run: Run) -> None:
    """Score the Challenge records, without and with their pulse waveform."""
    folder = data / "cinc2015"
    lines = (folder / "ALARMS").read_text().split()
    table = [line.split(",") for line in lines]
    for pulse, name in ((False, "cinc ECG"), (True, "cinc ECG and pulse")):
        cinc_score(name, table, run([folder / row[0] for row in table], pulse))


def cinc_score(title: str, table: list[list[str]], results: list[Result]) -> None:
    """Compare with what the experts said of the record's own alarms."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in CHALLENGE}
    raised = Counter[str]()
    for (name, kind, truth), result in zip(table, results, strict=True):
        raised.update(
            alert.kind.value
            for alert in result.alerts
            if alert.state is AlertState.RAISED and alert.kind in CHALLENGE.values()
        )
        ours = touches((290.0, 300.5), result.present(CHALLENGE[kind]))
        outcome = ("TP" if ours else "FN") if truth == "1" else ("FP" if ours else "TN")
        counts[kind][outcome] += 1
        if outcome in ("FN", "FP"):
            print(f"  {title}: {outcome} {name} {kind}")
    total = sum(counts.values(), Counter[str]())
    for kind, c in counts.items():
        se = share(c["TP"], c["TP"] + c["FN"])
        print(f"{title} {kind}: Se {se}, specificity {share(c['TN'], c['TN'] + c['FP'])}")
    good = total["TP"] + total["TN"]
    score = 100 * good / (good + total["FP"] + 5 * total["FN"])
    print(f"{title} all: {dict(total)}, score {score:.1f}; lethal alarms {sum(raised.values())}")


def vfdb(data: Path, run: Run) -> None:
    """Score VF, flutter and VT episodes."""
    paths = sorted(path.with_suffix("") for path in (data / "vfdb").glob("*.hea"))
    found = Counter[str]()
    hours = 0.0
    for path, result in zip(paths, run(paths), strict=True):
        spans = rhythm_spans(path)
        hours += result.length_s / 3600
        fibrillation = merged((a, b) for name, a, b in spans if name in FLUTTER)
        tachycardia = [(a, b) for name, a, b in spans if name == "VT"]
        vf, vt = result.present(AlertKind.VF), result.present(AlertKind.VT)
        for kind, episodes, ours in (("VF", fibrillation, vf), ("VT", tachycardia, vf + vt)):
            for episode in (e for e in episodes if e[1] - e[0] >= 4.0):
                hit = touches(episode, ours, after_s=3.0)
                found[kind] += 1
                found[kind + " found"] += hit
                if not hit:
                    print(f"  missed {kind} {path.name} at {episode[0]:.0f} s")
        for span in vf:
            strict = not touches(span, fibrillation, before_s=4.0)
            plain = strict and not touches(span, tachycardia, before_s=4.0)
            found["false strict"] += strict
            found["false"] += plain
            if plain:
                print(f"  false VF {path.name} at {span[0]:.0f} s")
    print(f"vfdb VF/VFL episodes: {share(found['VF found'], found['VF'])}")
    print(f"vfdb VT episodes: {share(found['VT found'], found['VT'])}")
    print(f"vfdb false VF alarms: {found['false'] / hours:.2f} per hour", end="")
    print(f" ({found['false strict'] / hours:.2f} if VT counts as false), {hours:.1f} h")


def is_true(alert: Alert, rate_hz: float, path: Path) -> bool:
    """Whether the reference shows what a lethal alarm says."""
    times, labels = reference_beats(path)
    span = (alert.onset_sample / rate_hz, alert.sample / rate_hz)
    if alert.kind is AlertKind.VF:
        return touches(span, [(a, b) for name, a, b in rhythm_spans(path) if name in FLUTTER])
    if alert.kind is AlertKind.VT:
        return touches(span, runs_of_v(times, labels, 5))
    near = times[(times > span[0] - 10.0) & (times < span[1] + 5.0)]
    rr = np.diff(near)
    if alert.kind is AlertKind.ASYSTOLE:
        return bool(len(rr) == 0 or rr.max() >= 4.0)
    width = 12 if alert.kind is AlertKind.EXTREME_TACHY else 4
    means = np.convolve(rr, np.ones(width) / width, "valid")
    if alert.kind is AlertKind.EXTREME_TACHY:
        return bool(len(means) and 60.0 / means.min() > 138.0)
    return bool(len(means) and 60.0 / means.max() < 42.0)


def mitdb(data: Path, run: Run) -> None:
    """Count false lethal alarms, and the VT runs found."""
    paths = sorted(path.with_suffix("") for path in (data / "mitdb").glob("*.hea"))
    paths = [path for path in paths if path.name not in PACED]
    lethal = Counter[str]()
    found = Counter[str]()
    hours = 0.0
    for path, result in zip(paths, run(paths), strict=True):
        hours += result.length_s / 3600
        for alert in result.alerts:
            if alert.state is AlertState.RAISED and alert.priority is Priority.HIGH:
                good = is_true(alert, result.rate_hz, path)
                lethal["true" if good else "false"] += 1
                if not good:
                    at = alert.sample / result.rate_hz
                    print(f"  false {alert.kind} {path.name} at {at:.0f} s: {alert.text}")
        ours = result.present(AlertKind.VT) + result.present(AlertKind.VF)
        for episode in runs_of_v(*reference_beats(path), 6):
            hit = touches(episode, ours, after_s=3.0)
            found["all"] += 1
            found["found"] += hit
            if not hit:
                print(f"  missed VT run {path.name} at {episode[0]:.0f} s")
    print(f"mitdb false lethal alarms: {lethal['false']} in {hours:.1f} h", end="")
    print(f" = {lethal['false'] / hours:.2f} per hour ({lethal['true']} true)")
    print(f"mitdb VT runs of 6 and more: {share(found['found'], found['all'])}")


def af(data: Path, run: Run) -> None:
    """Duration of atrial fibrillation found."""
    from monitor.score import RECORD_SETS

    paths = sorted(path.with_suffix("") for path in (data / "mitdb").glob("*.hea"))
    seconds = {path.name: af_seconds(path, r) for path, r in zip(paths, run(paths), strict=True)}
    for name, tally in seconds.items():
        if tally.sum() > 30:
            print("  {} found {} s, missed {} s, false {} s".format(name, *tally))
    for group, names in RECORD_SETS.items():
        found, missed, false = np.sum([seconds[name] for name in names], axis=0)
        print(f"af {group}: duration Se {share(found, found + missed)}", end="")
        print(f", +P {share(found, found + false)}")


def af_seconds(path: Path, result: Result) -> NDArray[np.int64]:
    """Seconds of atrial fibrillation that were found, missed, and false."""
    size = round(result.length_s)
    truth, ours = np.zeros(size, dtype=np.int8), np.zeros(size, dtype=bool)
    for name, a, b in rhythm_spans(path):
        truth[round(a) : round(b)] = {"AFIB": 1, "AFL": 2}.get(name, 0)
    starts = [r.sample / result.rate_hz for r in result.rhythms] + [result.length_s]
    for rhythm, a, b in zip(result.rhythms, starts, starts[1:], strict=False):
        ours[round(a) : round(b)] = rhythm.name == "AFIB"
    tally = [(ours & (truth == 1)), (~ours & (truth == 1)), (ours & (truth == 0))]
    return np.array([seconds.sum() for seconds in tally])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurements that were named, or all."""
    recorded = {"cinc": cinc, "vfdb": vfdb, "mitdb": mitdb, "af": af}
    made = {"timing": timing, "rate": rate}
    parts = [*recorded, *made]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("part", nargs="*", choices=[*parts, []], help="default: all")
    parser.add_argument("--data", type=Path, default=os.environ.get("ECG_MONITOR_DATA"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--noise-db", type=float, metavar="SNR", help="noise for the part cinc")
    args = parser.parse_args(argv)
    chosen = args.part or parts
    if args.data is None and set(chosen) & set(recorded):
        parser.error("give the folder of recordings: --data DIR, or ECG_MONITOR_DATA")
    known: dict[Case, Result] = {}
    with ProcessPoolExecutor(max_workers=args.jobs) as pool:

        def run(paths: list[Path], pulse: bool = False) -> list[Result]:
            cases = [
                Case(path, pulse, args.noise_db if path.parent.name == "cinc2015" else None)
                for path in paths
            ]
            new = [case for case in cases if case not in known]
            known.update(zip(new, pool.map(analyse, new), strict=True))
            return [known[case] for case in cases]

        for name in chosen:
            if name in recorded:
                recorded[name](args.data, run)
            else:
                made[name]()
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
