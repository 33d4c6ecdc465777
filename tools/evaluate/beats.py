"""Measure the models that see one beat window alone, and write their card.

    python -m tools.evaluate.beats kaggle5           measure on the test part of its beats
    python -m tools.evaluate.beats --write           all shipped ones; their part of the card
    python -m tools.evaluate.beats build/beats/kaggle5-16.pt cnn    kept bundles, compared

Figures are those of the test part (:mod:`tools.data.beat_sets`), which is split by beat unless
said otherwise. Models with AAMI classes are measured in a stream too: the same test beats,
with reference R peaks, through the monitor's own stages.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import wfdb
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.messages import RPeak
from monitor.models.bundle import Bundle, load_bundle
from monitor.models.shipped import SHIPPED
from tools.commands import parser_of, run
from tools.confusion import CARDS, Confusion, calibration_error, draw
from tools.data.beat_sets import AS_PUBLISHED, SETS, mitbih_rows, published, split_by_patient
from tools.data.beats import data_folder, given_folder
from tools.data.kachuee import Rows
from tools.evaluate.beat_card import BeatFigures, replace_part, zoo_card
from tools.evaluate.labels import label, speed
from tools.train.beats import RECIPES, inputs


def probabilities(bundle: Bundle, signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run a bundle over rows (n, 187); gives (n, classes)."""
    ready = inputs(signal, RECIPES[bundle.manifest.name])
    nothing = torch.zeros(len(ready), 0)
    parts = [
        bundle.probabilities(ready[k : k + 1024], nothing[k : k + 1024])
        for k in range(0, len(ready), 1024)
    ]
    return torch.cat(parts).numpy()


def streamed(bundle: Bundle, folder: Path, rows: Rows, test: NDArray[np.int64]) -> Confusion:
    """Label the rows ``test`` in streams of their records, with reference R peaks."""
    truth, found = [], []
    in_test = np.zeros(len(rows.label), bool)
    in_test[test] = True
    for name in sorted(set(rows.record[test].tolist())):
        here = rows.record == name
        path = str(folder / "mitdb" / name)
        record = wfdb.rdrecord(path, channels=[0])
        # the last beat of a record has no row, but is the next R peak of the one before
        last = int(wfdb.rdann(path, "atr").sample[-1])
        peaks = sorted({*rows.sample[here].tolist(), last})
        rpeaks = [RPeak("record", p, p) for p in peaks]
        labelled, _ = label(bundle, record.p_signal, float(record.fs), rpeaks)
        class_of = {b.sample: bundle.manifest.classes.index(b.label) for b in labelled}
        wanted = here & in_test
        truth += rows.label[wanted].tolist()
        found += [class_of[s] for s in rows.sample[wanted].tolist()]
    return Confusion.of(np.array(truth), np.array(found), bundle.manifest.classes)


def measure(name: str, folder: Path, work: Path) -> BeatFigures:
    """Measure one bundle, shipped or kept."""
    bundle = load_bundle(name)
    manifest = bundle.manifest
    if manifest.name not in SETS:
        raise MonitorError(f"model {name} is none of {', '.join(SETS)}: use tools.evaluate.labels")
    split = str(manifest.metrics.get("split", ""))
    csv = split == AS_PUBLISHED
    if not csv and manifest.name != "ptb-mi":
        data_folder(folder)
    beats = published(folder) if csv else SETS[manifest.name](folder, work, split_by_patient(split))
    if beats.sha256() != manifest.data_sha256:
        raise MonitorError(
            f"model {name} was trained on other beats than those in {folder}: the test part "
            "is not known to be unseen"
        )
    truth = beats.label[beats.test]
    found = probabilities(bundle, beats.signal[beats.test])
    one, many = speed(bundle)
    in_stream = None
    if manifest.label_set == "aami" and not csv:
        in_stream = streamed(bundle, folder, mitbih_rows(folder, work), beats.test)
    return BeatFigures(
        manifest,
        beats.data,
        beats.split,
        len(beats.train),
        Confusion.of(truth, found.argmax(axis=1), manifest.classes),
        in_stream,
        calibration_error(found.max(axis=1), found.argmax(axis=1) == truth),
        one,
        many,
        Path(bundle.source).stat().st_size,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("evaluate.beats", __doc__)
    parser.add_argument("models", nargs="*", help="shipped names or files; default: all shipped")
    parser.add_argument("--data", type=Path, help="folder with mitdb/, ptbdb/ or kaggle/")
    parser.add_argument("--work", type=Path, default=Path("build/beats"), help="cache folder")
    parser.add_argument("--write", action="store_true", help="write them to models/README.md")
    args = parser.parse_args(argv)
    folder = given_folder(args.data)
    names = args.models or [name for name in SETS if name in SHIPPED]
    models = [measure(name, folder, args.work) for name in names]
    text = zoo_card(models)
    print(text)
    if args.write:
        for model in models:
            draw(model.test, f"{model.title}, test part", CARDS / model.picture)
        path = CARDS / "README.md"
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(replace_part(old, text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "beats"))
