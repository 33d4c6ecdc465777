"""The card of a model, as text: pure, from what :mod:`tools.evaluate` measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.manifest import Manifest
from monitor.score import RecordScore, summarise

LOG = Path(__file__).with_name("ds2_log.md")


@dataclass(frozen=True, slots=True)
class Table:
    """The scores of one condition, by both class maps."""

    name: str
    own: bool
    ec57: list[RecordScore]
    ml: list[RecordScore]
    macro_f1: float

    def line(self) -> str:
        """Give one row of the table of conditions."""
        s = summarise(self.ml)
        e = summarise(self.ec57)
        beats = "own detector" if self.own else "reference"
        rest = [score for score in self.ml if score.record != "232"]
        without = summarise(rest)
        return (
            f"| {self.name} | {beats} | {pair(s.v_se, s.v_pp)} | {pair(s.s_se, s.s_pp)} "
            f"| {pair(without.s_se, without.s_pp)} | {pair(e.s_se, e.s_pp)} "
            f"| {pair(s.f_se, s.f_pp)} | {self.macro_f1:.3f} |"
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """All that the card states."""

    records: str
    tables: list[Table]
    calibration_error: float
    beats_per_s: float
    beats_per_s_64: float
    size: int
    parameters: int


def pair(se: float | None, pp: float | None) -> str:
    """Show Se/+P in percent."""
    return "/".join("-" if x is None else f"{x:.1f}" for x in (se, pp))


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
    for k, name in enumerate("NSVF"):
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


def card(manifest: Manifest, measured: Measured) -> str:
    """Write the card, in Markdown."""
    reference = next(t for t in measured.tables if not t.own)
    own = next((t for t in measured.tables if t.own), None)
    conditions = "\n".join(t.line() for t in measured.tables)
    log = LOG.read_text(encoding="utf-8") if LOG.exists() else ""
    return f"""# Model `{manifest.name}`

**Split: by patient.** Trained on DS1 of the MIT-BIH Arrhythmia Database, measured on
{measured.records.upper()}; the paced records 102, 104, 107 and 217 are left out. Records 201 and
202 are one person, one in each half, as in the split of de Chazal (2004). Not a medical device.

| | |
|---|---|
| input | {manifest.length} samples, {manifest.rate_hz:g} Hz, {manifest.before_s:g} s before the R \
peak to {manifest.after_s:g} s after; channels: {", ".join(manifest.channels)}; scaling: \
{manifest.scaling}; {len(manifest.features)} context features |
| output | {", ".join(manifest.classes)}; escape beats e, j trained as N |
| training data | {manifest.data}; SHA-256 {manifest.data_sha256[:16]}... |
| command | `{manifest.command}` |
| parameters, file | {measured.parameters}, {measured.size / 1024:.0f} KiB |
| beats/s on one core, network alone | {measured.beats_per_s:,.0f} one at a time, \
{measured.beats_per_s_64:,.0f} in batches of 64 (best of five) |
| calibration error (10 bins, reference beats) | {measured.calibration_error:.3f} |
| licence | {manifest.licence} |

Se/+P in percent by EC57 (150 ms, from 5:00, gross), streamed through the monitor's own stages.
V, S, F and macro F1 with the class map of the ML literature (e, j are N); "S, EC57 map" counts
them as S, as the standard does. Command: `python -m tools.evaluate {manifest.name} --write`.

| signal | R peaks | V | S | S without 232 | S, EC57 map | F | macro F1 |
|---|---|---|---|---|---|---|---|
{conditions}

## Confusion matrix, reference R peaks

{_matrix(reference)}

{_classes(reference)}

## By record

{_records(reference, own)}

## Limits

- Adults, ambulatory recordings, leads MLII and V1 to V5. No paced beats, no paediatric ECG.
- S in records with atrial fibrillation or flutter, and fusion beats, are uncertain.
- F was learned almost from one patient (208).
- Q is given where the signal is missing; the network itself has seen eight such beats.
- The first beats of a stream are labelled before the patient's usual beat is known.

{log}"""
