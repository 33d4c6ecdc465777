"""The part of the card on the models of one beat window, as text."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.models.manifest import Manifest
from tools.confusion import Confusion

TITLE = "# Models of one beat window\n"
"""Begins the part of ``models/README.md`` that :mod:`tools.evaluate.beats` writes."""

STREAMED = """The same beats streamed through the monitor's own stages with reference R peaks: the
window ends 1.2 intervals behind the R peak, for the second interval is not known yet; the signal is
low-passed before it is taken to 120 Hz; the label comes 1.6 s after the R peak."""


WITHOUT_PTB = """`ptb-mi` (PTB: healthy or infarction) is not shipped, for the PTB database is not
at hand. One command fetches it, trains and ships:
`python -m tools.train.beats ptb-mi --download`; with `--by-beat --keep` it is split at
random, to compare with papers."""

LIMITS = """## Limits

- The first signal of a record alone, one beat, no context: that a beat came early is not seen.
- In a stream (`--model kaggle5`) labels come later, and are worse than on the rows: see each model.
- Nearly all Q are paced beats of 102, 104, 107 and 217. S and F are few, and found less often.
- `normal-abnormal` cannot label a stream. Abnormal is all but N: S, V, F and Q."""


@dataclass(frozen=True, slots=True)
class BeatFigures:
    """The figures of one model.

    Parameters
    ----------
    manifest
        Of the bundle.
    data, split
        Of its beats.
    training_beats
        Number of them.
    test
        On the rows of the test part.
    streamed
        The same beats in streams; None if the model has labels of its own.
    calibration_error
        Of the top probability on the test part.
    beats_per_s, beats_per_s_64
        Of the network alone on one core, one at a time and in batches of 64.
    size
        Of the file, bytes.
    """

    manifest: Manifest
    data: str
    split: str
    training_beats: int
    test: Confusion
    streamed: Confusion | None
    calibration_error: float
    beats_per_s: float
    beats_per_s_64: float
    size: int

    @property
    def title(self) -> str:
        """Name and length of training."""
        return f"{self.manifest.name}, {self.manifest.metrics['rounds']} rounds"

    @property
    def picture(self) -> str:
        """File of the picture of the test matrix, in the folder of the card."""
        return f"confusion/{self.manifest.name}-{self.manifest.metrics['rounds']}.svg"


def zoo_card(models: list[BeatFigures]) -> str:
    """Write the part, in Markdown."""
    rows = [
        f"| `{m.manifest.name}` | {m.manifest.metrics['rounds']} | {m.test.accuracy:.4f} "
        f"| {m.test.macro_f1:.3f} | {m.test.weighted_f1:.4f} | {m.calibration_error:.3f} "
        f"| {m.manifest.metrics['parameters']:,} | {m.size / 1024:.0f} KiB "
        f"| {m.beats_per_s:,.0f} / {m.beats_per_s_64:,.0f} |"
        for m in models
    ]
    split = "**Split: see each model.**"
    if all(not m.split.startswith("by patient") for m in models):
        split = (
            "**Split: at random by beat, not by patient.** Beats of one person stand on both "
            "sides, as in the\npublished Kaggle set. The figures compare networks with others "
            "measured on that set; they say\nlittle about a new patient. For that see `aami`."
        )
    head = f"""{TITLE}
{split} Not a medical device.

Rows as published by Kachuee, Fazeli and Sarrafzadeh (2018), rebuilt from the records by
`python -m tools.data.kachuee`, which finds every published row at hand bit for bit:
the first signal, every third sample (120 Hz), from the annotated R peak to a fifth of the
following interval behind the next annotation, scaled to 0..1, 187 samples filled up with zeros.
Which beats are training and which test was drawn anew with the published numbers of each class:
the published draw is not at hand. A round is a pass over some 45,000 drawn training beats (40,000
of two classes). One seed, one thread. Command: `python -m tools.evaluate.beats --write`; a model
trained with `--keep` is not shipped and is measured by the path of its file.

The length of the shipped training was set after a run of 16 rounds had been measured on the same
test part; nothing else was chosen by it. Not tried: other seeds, so that no range is given.

| model | rounds | accuracy | macro F1 | weighted F1 | calibration error | parameters | file | \
beats/s, one / 64 at a time |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
""" + "\n".join(rows)
    lacking = [] if any(m.manifest.name == "ptb-mi" for m in models) else [WITHOUT_PTB]
    return "\n\n".join([head, *lacking, LIMITS, *(_section(m) for m in models)]) + "\n"


def _section(m: BeatFigures) -> str:
    data = (
        f"Data: {m.data}; {m.training_beats} for training, {int(m.test.counts.sum())} for the "
        f"test; SHA-256 of the rows {m.manifest.data_sha256[:16]}... Scaling: "
        f"{m.manifest.scaling}. Command: `{m.manifest.command}`. Licence: {m.manifest.licence}."
    )
    title = f"## `{m.manifest.name}`, {m.manifest.metrics['rounds']} rounds"
    picture = f"![Confusion matrix of {m.title}, test part]({m.picture})"
    parts = [title, f"Split {m.split}.", data, *_matrix(m.test), picture]
    if m.streamed is not None:
        parts += [STREAMED, *_matrix(m.streamed)]
    return "\n\n".join(parts)


def _matrix(found: Confusion) -> list[str]:
    parts = ["\n".join(found.table())]
    ec57 = found.ec57()
    if ec57 is not None:
        pairs = [(ec57.v_se, ec57.v_pp), (ec57.s_se, ec57.s_pp), (ec57.f_se, ec57.f_pp)]
        shown = [f"{c} " + "/".join("-" if x is None else f"{x:.1f}" for x in p)
                 for c, p in zip("VSF", pairs, strict=True)]  # fmt: skip
        parts.append(f"Se/+P in percent by EC57, e and j as N: {', '.join(shown)}.")
    return parts


def replace_part(old: str, part: str) -> str:
    """Put ``part`` in the place of the part that begins with :data:`TITLE`, which is the last."""
    kept, _, _ = old.partition(TITLE)
    return f"{kept.rstrip()}\n\n{part}".strip() + "\n"


def part_of(text: str) -> str:
    """Give the part that begins with :data:`TITLE`; empty if there is none."""
    _, title, rest = text.partition(TITLE)
    return title + rest
