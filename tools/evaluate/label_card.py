"""The card of a model, as text: pure, from what :mod:`tools.evaluate.labels` measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.models.manifest import Manifest
from monitor.score import RecordScore, summarise
from tools.evaluate.label_sections import DEVELOPMENT, TRIED
from tools.evaluate.label_table import Table, pair

NOISE_DEFINITION = "signal power is an eighth of the squared QRS size"


@dataclass(frozen=True, slots=True)
class Measured:
    """All that the card states.

    ``tables``: conditions, reference R peaks first. ``other_half``: the records trained on,
    own R peaks. ``seeds``: by seed, the record as it is with reference R peaks.
    """

    records: str
    tables: list[Table]
    beats_per_s: float
    beats_per_s_64: float
    size: int
    parameters: int
    other_half: Table | None = None
    seeds: tuple[tuple[int, Table], ...] = ()


def _matrix(table: Table) -> str:
    matrix = summarise(table.ml).matrix
    names = "NSVFQOX"
    rows = [
        "| reference \\ found | " + " | ".join(names.lower()) + " |",
        "|---|" + "---:|" * len(names),
    ]
    for name, row in zip(names, matrix.tolist(), strict=True):
        if any(row):
            rows.append(f"| {name} | " + " | ".join(str(int(v)) for v in row) + " |")
    return "\n".join(rows)


def _classes(table: Table) -> str:
    matrix = summarise(table.ml).matrix[:5, :5]
    rows = ["| class | precision | recall | F1 |", "|---|---:|---:|---:|"]
    for k, name in enumerate("NSVFQ"):
        recall = matrix[k, k] / max(matrix[k].sum(), 1)
        precision = matrix[k, k] / max(matrix[:, k].sum(), 1)
        f1 = 2 * recall * precision / max(recall + precision, 1e-9)
        rows.append(f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} |")
    accuracy = matrix.trace() / max(matrix.sum(), 1)
    return (
        "\n".join(rows) + f"\n\nAccuracy {accuracy:.4f}, macro F1 (N, S, V) {table.macro_f1:.3f}."
    )


def _records(reference: Table, own: Table | None) -> str:
    rows = ["| record | V reference | S reference | V own | S own |", "|---|---|---|---|---|"]
    for k, score in enumerate(reference.ml):
        f = score.figures
        cells = [pair(f.v_se, f.v_pp), pair(f.s_se, f.s_pp)]
        if own is not None:
            o = own.ml[k].figures
            cells += [pair(o.v_se, o.v_pp), pair(o.s_se, o.s_pp)]
        else:
            cells += ["-", "-"]
        rows.append(f"| {score.record} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _runs(own: Table | None, other: Table | None) -> str:
    if own is None:
        return "Not measured."
    rows = ["| records | couplet | 3 to 5 | 6 and more |", "|---|---|---|---|"]
    sets: list[tuple[str, list[RecordScore]]] = [("DS2", own.ec57)]
    if other is not None:
        sets += [("DS1 (trained on)", other.ec57), ("all 44", own.ec57 + other.ec57)]
    for name, scores in sets:
        figures = summarise(scores).runs[0].figures()
        cells = [pair(figures[f"{k}_se"], figures[f"{k}_pp"]) for k in ("couplet", "short", "long")]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


SPEED = "| beats/s on one core, network alone |"


def speed_row(one: float, many: float) -> str:
    """Write the row on speed."""
    return f"{SPEED} {one:,.0f} one at a time, {many:,.0f} in batches of 64 (best of 1,000) |"


def replace_speed(text: str, row: str) -> str:
    """Put another row on speed into a card."""
    return "\n".join(row if line.startswith(SPEED) else line for line in text.split("\n"))


def card(manifest: Manifest, measured: Measured, seeds: str = "", strangers: str = "") -> str:
    """Write the card, in Markdown; ``seeds`` and ``strangers`` are sections of it."""
    reference = next(t for t in measured.tables if not t.own)
    own = next((t for t in measured.tables if t.own), None)
    rows = list(measured.tables)
    if own is not None and measured.other_half is not None:
        half = measured.other_half
        rows.append(replace(half, name="as recorded, DS1 (trained on)"))
        both = replace(half, name="as recorded, all 44", ec57=own.ec57 + half.ec57)
        rows.append(replace(both, ml=own.ml + half.ml))
    conditions = "\n".join(table.line() for table in rows)
    latency = f"{own.latency_s:.2f} s" if own and own.latency_s is not None else "not measured"
    return f"""# Model `{manifest.name}`

**Split: by patient.** Trained on DS1 of the MIT-BIH Arrhythmia Database and on the MIT-BIH
Supraventricular Arrhythmia Database (SVDB). Measured on patients left out of training, and on
{measured.records.upper()}, no record of which was trained on. The paced records 102, 104, 107 and
217 are left out. Records 201 and 202 are one person, one in each half, as in the split of de
Chazal (2004). Not a medical device.

| | |
|---|---|
| input | {manifest.length} samples, {manifest.rate_hz:g} Hz, {manifest.before_s:g} s before the R \
peak to {manifest.after_s:g} s after; channels: {", ".join(manifest.channels)}; scaling: \
{manifest.scaling}; {len(manifest.features)} context features; of up to {manifest.leads} leads |
| output | {", ".join(manifest.classes)}; escape beats e, j trained as N |
| training data | {manifest.data}; SHA-256 {manifest.data_sha256[:16]}... |
| command | `{manifest.command}` |
| parameters, file | {measured.parameters}, {measured.size / 1024:.0f} KiB |
{speed_row(measured.beats_per_s, measured.beats_per_s_64)}
| calibration error (10 bins, reference beats) | {reference.calibration_error or 0.0:.3f} |
| from the R peak to the label, median | {latency} |
| licence | {manifest.licence} |

{strangers}{DEVELOPMENT}
Development figures: DS2 was never trained on, but was looked at many times while the monitor was
made. Se/+P in percent by EC57 (150 ms, from 5:00, gross), streamed through the monitor's own
stages. V, S, F and macro F1 with the class map of the ML literature (e, j are N); "S, EC57 map"
counts them as S, as the standard does. "Own detector" is the whole monitor, as `annotate` and
`score` run it; both leads unless said. Electrode motion is that of the noise stress test
database, added to the whole record in both leads ({NOISE_DEFINITION}); R peaks are
given, so that this is the noise in the labels alone.
Command: `python -m tools.evaluate.labels --write`.

| signal | R peaks | V | S | S without 232 | S, EC57 map | the same without 232 | F | macro F1 |
|---|---|---|---|---|---|---|---|---|
{conditions}

## Runs

Runs of V and F by EC57, Se/+P in percent, the beats of the whole monitor with its own R peaks.
`ecg-monitor score --format rxr-v --totals` on what `annotate` wrote gives almost the same: there a
mark of unreadable signal cuts a run in two.

{_runs(own, measured.other_half)}

## Confusion matrix, reference R peaks

{_matrix(reference)}

{_classes(reference)}

![Confusion matrix of {manifest.name}, shares of the reference class]\
(confusion/{manifest.name}.svg)

## By record

{_records(reference, own)}

## Limits

- Adults, mostly ambulatory recordings of two leads. No paced beats, no paediatric ECG.
- S in records with atrial fibrillation or flutter, and fusion beats, are uncertain.
- Normal beats after a sudden rise of the rate may be called S for a while (in the simulator from
  72 to 88 bpm less than 20 beats, from 60 to 90 less than 36: `tests/stages/test_rate_steps.py`).
- In long, regular ventricular tachycardia about half of the beats are labelled V (VFDB: 53 %). The
  alarm of VT does not rest on the labels alone.
- F was learned almost from one patient (208).
- Q is given where the signal is missing; the network itself has seen eight such beats.
- The first beats of a stream are labelled before the patient's usual beat is known.

{seeds}{TRIED}"""
