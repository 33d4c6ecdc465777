"""Measure the alarms: everything runs through the whole pipeline, with default settings.

    python -m tools.evaluate.alarms                     all parts, those of README
    python -m tools.evaluate.alarms cinc --noise-db 0   one part, in noise
    python -m tools.evaluate.alarms --perturbed         cinc and vfdb, under many mild changes

Protocols
---------
cinc
    PhysioNet/CinC Challenge 2015, real-time: the stream ends at 5:00, as it does in the
    Challenge. The record's own alarm is confirmed when the condition of our alarm of that kind
    is present at any time from 4:50 to the end (the last hop may be padded).
    Score (TP + TN) / (TP + TN + FP + 5 FN). First with the ECG leads only, then with the pulse
    waveform beside them (arterial pressure where there is one, else the plethysmogram).
    ``--noise-db SNR`` adds the electrode motion of the noise stress test database to the ECG
    leads from 1:00 on, see :func:`tools.evaluate.perturbations.noisy`.
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

``--perturbed`` runs the parts cinc (ECG only) and vfdb (by default both) under each of
:data:`tools.evaluate.perturbations.PERTURBATIONS`, by the same protocols, and tells at last which
decisions fall under how many of them. Where a recording begins later, its time is kept.

This file is long because it is the list of all parts that are measured.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Priority,
)
from monitor.score import RECORD_SETS
from tools.commands import parser_of
from tools.data.reference import (
    FLUTTER,
    merged,
    reference_beats,
    rhythm_spans,
    runs_of_v,
    share,
    touches,
)
from tools.evaluate.alarm_runs import Case, Result, Run, analyse
from tools.evaluate.alarm_timing import rate, timing
from tools.evaluate.perturbations import PERTURBATIONS
from tools.train.runs import ALARM_S, TAIL_S

FOLDERS = {"cinc": "cinc2015", "vfdb": "vfdb", "mitdb": "mitdb", "af": "mitdb"}
CHALLENGE = {
    "Asystole": AlertKind.ASYSTOLE,
    "Bradycardia": AlertKind.EXTREME_BRADY,
    "Tachycardia": AlertKind.EXTREME_TACHY,
    "Ventricular_Flutter_Fib": AlertKind.VF,
    "Ventricular_Tachycardia": AlertKind.VT,
}


def cinc(data: Path, run: Run) -> None:
    """Score the Challenge records, without and with their pulse waveform."""
    folder = data / "cinc2015"
    lines = (folder / "ALARMS").read_text().split()
    table = [line.split(",") for line in lines]
    for pulse, name in ((False, "cinc ECG"), (True, "cinc ECG and pulse")):
        cinc_score(name, table, run([folder / row[0] for row in table], pulse))


def cinc_score(title: str, table: list[list[str]], results: list[Result]) -> None:
    """Compare with what the experts said of the record's own alarms."""
    raised = sum(
        alert.state is AlertState.RAISED and alert.kind in CHALLENGE.values()
        for result in results
        for alert in result.alerts
    )
    counts, wrong = cinc_counts(table, results)
    for mistake in wrong:
        print(f"  {title}: {mistake}")
    for kind, c in counts.items():
        se = share(c["TP"], c["TP"] + c["FN"])
        print(f"{title} {kind}: Se {se}, specificity {share(c['TN'], c['TN'] + c['FP'])}")
    total = sum(counts.values(), Counter[str]())
    print(f"{title} all: {dict(total)}, score {challenge(total):.1f}; lethal alarms {raised}")


def cinc_counts(
    table: list[list[str]], results: list[Result]
) -> tuple[dict[str, Counter[str]], list[str]]:
    """Give the counts of each kind of alarm, and what was wrong.

    The alarm sounds at 5:00, or at the end of a shorter record; its event is in the 10 s before.
    """
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in CHALLENGE}
    wrong: list[str] = []
    for (name, kind, truth), result in zip(table, results, strict=True):
        end_s = min(result.length_s, ALARM_S)
        ours = touches((end_s - TAIL_S, end_s + 0.5), result.present(CHALLENGE[kind]))
        outcome = ("TP" if ours else "FN") if truth == "1" else ("FP" if ours else "TN")
        counts[kind][outcome] += 1
        if outcome in ("FN", "FP"):
            wrong.append(f"{outcome} {name} {kind}")
    return counts, wrong


def challenge(total: Counter[str]) -> float:
    """Score of the Challenge, in percent."""
    good = total["TP"] + total["TN"]
    return 100 * good / (good + total["FP"] + 5 * total["FN"])


def vfdb(data: Path, run: Run) -> None:
    """Score VF, flutter and VT episodes."""
    paths = sorted(path.with_suffix("") for path in (data / "vfdb").glob("*.hea"))
    found, hours, wrong = vfdb_counts(paths, run(paths))
    for mistake in wrong:
        print(f"  {mistake}")
    print(f"vfdb VF/VFL episodes: {share(found['VF found'], found['VF'])}")
    print(f"vfdb VT episodes: {share(found['VT found'], found['VT'])}")
    print(f"vfdb false VF alarms: {found['false'] / hours:.2f} per hour", end="")
    print(f" ({found['false strict'] / hours:.2f} if VT counts as false), {hours:.1f} h")


def vfdb_counts(
    paths: list[Path],
    results: list[Result],
    reference: Callable[[Path], list[tuple[str, float, float]]] = rhythm_spans,
) -> tuple[Counter[str], float, list[str]]:
    """Give the counts of episodes and of false alarms, the hours, and what was wrong."""
    found = Counter[str]()
    hours = 0.0
    wrong: list[str] = []
    for path, result in zip(paths, results, strict=True):
        spans = reference(path)
        hours += (result.length_s - result.since_s) / 3600
        fibrillation = merged((a, b) for name, a, b in spans if name in FLUTTER)
        tachycardia = [(a, b) for name, a, b in spans if name == "VT"]
        vf, vt = result.present(AlertKind.VF), result.present(AlertKind.VT)
        for kind, episodes, ours in (("VF", fibrillation, vf), ("VT", tachycardia, vf + vt)):
            for episode in (e for e in episodes if e[1] - e[0] >= 4.0 and e[0] >= result.since_s):
                hit = touches(episode, ours, after_s=3.0)
                found[kind] += 1
                found[kind + " found"] += hit
                if not hit:
                    wrong.append(f"missed {kind} {path.name} at {episode[0]:.0f} s")
        for span in vf:
            strict = not touches(span, fibrillation, before_s=4.0)
            plain = strict and not touches(span, tachycardia, before_s=4.0)
            found["false strict"] += strict
            found["false"] += plain
            if plain:
                wrong.append(f"false VF {path.name} at {span[0]:.0f} s")
    return found, hours, wrong


def perturbed(data: Path, parts: Sequence[str], run: Run) -> None:
    """Print what each perturbation makes of the parts, and how often each decision falls."""
    table = [line.split(",") for line in (data / "cinc2015" / "ALARMS").read_text().split()]
    challenge_paths = [data / "cinc2015" / row[0] for row in table]
    vfdb_paths = sorted(path.with_suffix("") for path in (data / "vfdb").glob("*.hea"))
    fallen: dict[str, list[str]] = {}
    scores = []
    for name in PERTURBATIONS:
        row = f"{name:17}"
        wrong: list[str] = []
        if "cinc" in parts:
            counts, wrong = cinc_counts(table, run(challenge_paths, perturbation=name))
            scores.append(challenge(sum(counts.values(), Counter[str]())))
            se = (f"{CHALLENGE[k]} {c['TP']}/{c['TP'] + c['FN']}" for k, c in counts.items())
            row += f" cinc {scores[-1]:5.1f}, Se {', '.join(se)}"
        if "vfdb" in parts:
            found, hours, more = vfdb_counts(vfdb_paths, run(vfdb_paths, perturbation=name))
            wrong = wrong + more
            row += (
                f" vfdb VF {found['VF found']}/{found['VF']}, VT {found['VT found']}/{found['VT']}"
            )
            row += f", false VF {found['false'] / hours:.2f}/h"
        for mistake in wrong:
            fallen.setdefault(mistake, []).append(name)
        print(row, flush=True)
    if scores:
        print(f"cinc: mean {np.mean(scores):.1f}, worst {min(scores):.1f}")
    for mistake, names in sorted(fallen.items(), key=lambda item: -len(item[1])):
        print(f"  {mistake}: {len(names)} of {len(PERTURBATIONS)} ({', '.join(names)})")


def is_true(alert: Alert, rate_hz: float, path: Path) -> bool:
    """Tell whether the reference shows what a lethal alarm says."""
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
    paths = [data / "mitdb" / name for name in RECORD_SETS["mitdb44"]]
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
    paths = [data / "mitdb" / name for name in RECORD_SETS["mitdb48"]]
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
    parser = parser_of("evaluate.alarms", __doc__)
    parser.add_argument("part", nargs="*", choices=[*parts, []], help="default: all")
    parser.add_argument("--data", type=Path, default=os.environ.get("ECG_MONITOR_DATA"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--noise-db", type=float, metavar="SNR", help="noise for the part cinc")
    parser.add_argument("--perturbed", action="store_true", help="cinc, vfdb: many mild changes")
    args = parser.parse_args(argv)
    chosen = args.part or (["cinc", "vfdb"] if args.perturbed else parts)
    if args.perturbed and not set(chosen) <= {"cinc", "vfdb"}:
        parser.error("--perturbed is for the parts cinc and vfdb")
    if args.data is None and set(chosen) & set(recorded):
        parser.error("give the folder of recordings: --data DIR, or ECG_MONITOR_DATA")
    for folder in sorted({FOLDERS[part] for part in set(chosen) & set(recorded)}):
        if not (args.data / folder).is_dir():
            parser.error(f"there is no {folder}/ in {args.data}")
    known: dict[Case, Result] = {}
    with ProcessPoolExecutor(max_workers=args.jobs) as pool:

        def run(
            paths: list[Path], pulse: bool = False, perturbation: str = "unchanged"
        ) -> list[Result]:
            noise = [args.noise_db if path.parent.name == "cinc2015" else None for path in paths]
            cases = [Case(*each, perturbation) for each in zip(paths, repeat(pulse), noise)]
            new = [case for case in cases if case not in known]
            known.update(zip(new, pool.map(analyse, new), strict=True))
            return [known[case] for case in cases]

        if args.perturbed:
            perturbed(args.data, chosen, run)
            return 0
        for name in chosen:
            if name in recorded:
                recorded[name](args.data, run)
            else:
                made[name]()
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
